import Consensus

/// What group and what trouble a seed means. A run rarely has all kinds, so that each is also seen without the others
/// hiding it.
struct Plan {
    /// Voters that the operator wants.
    var voters: Int
    /// True nanoseconds of trouble.
    var duration: UInt64
    var settings = Settings()

    var lossPerMille: Int
    var duplicationPerMille: Int
    var latenessPerMille: Int
    var longestDelay: UInt64

    /// Mean nanoseconds between two faults.
    var faultPause: UInt64
    /// Mean nanoseconds between two actions of clients.
    var clientPause: UInt64
    /// Mean nanoseconds between two actions of the operator.
    var tendPause: UInt64
    /// Which kinds of fault there are; who is there more often happens more often.
    var faults: [Fault]
    /// How long one lasts, nanoseconds.
    var longestFault: UInt64
    /// Clients want nothing for a while, now and then.
    var hasLulls: Bool
    /// How often, in a hundred thousand, a process dies in the middle of carrying out effects.
    var aimedCrashes: Int
    /// Clocks gain or lose up to so many millionths.
    var drift: Int64
    /// Clocks differ by more than was promised: leases mean nothing then.
    var driftIsBeyondBound: Bool
    /// A disk syncs within this, nanoseconds.
    var longestSync: UInt64
    /// How often, in a thousand applications, the state is flushed and the log trimmed.
    var flushPerMille: Int
    /// The time for a part of a snapshot, nanoseconds.
    var chunkPause: UInt64
    /// Entries kept behind the state for peers.
    var retention: UInt64
    /// How often, in a thousand actions, the operator changes something that need not be changed.
    var churnPerMille: Int
    var transferPerMille: Int
    /// How often it gives somebody a snapshot that nobody asked for.
    var offerPerMille: Int
    var hasPreference: Bool

    init(_ chance: inout SeededChance) {
        voters = chance.pick([1, 3, 3, 3, 3, 5, 5])
        duration = chance.in(15...45) * Plan.second
        lossPerMille = chance.pick([0, 5, 30, 100])
        duplicationPerMille = chance.pick([0, 10, 100])
        latenessPerMille = chance.pick([0, 5, 30, 100])
        longestDelay = chance.pick([20, 300, 3000]) * Plan.millisecond
        faultPause = chance.pick([60, 250, 800, 2000]) * Plan.millisecond
        clientPause = chance.pick([1, 2, 5, 20]) * Plan.millisecond
        tendPause = chance.pick([20, 50, 200]) * Plan.millisecond
        // A few kinds, two of them mostly.
        faults = Fault.allCases.filter { _ in chance.perMille(300) }
        let favourites = [chance.pick(Fault.aimed), chance.pick(Fault.allCases)]
        for _ in 0...faults.count / 2 { faults += favourites }
        // Learners have to be left.
        if favourites.contains(.silentLoss) { voters = 3 }
        longestFault = chance.pick([300, 1500, 4000]) * Plan.millisecond
        hasLulls = chance.perMille(500)
        aimedCrashes = chance.pick([0, 0, 20, 100, 400])
        driftIsBeyondBound = chance.perMille(60)
        let hasWideBound = chance.perMille(700)
        settings.driftPerMille = hasWideBound ? 100 : 10
        drift = driftIsBeyondBound ? 200_000 : chance.pick([0, 1, 1]) * (hasWideBound ? 47_000 : 4_900)
        settings.promise = BootSpan.milliseconds(chance.pick([200, 500, 1000]))
        let delay = BootSpan.milliseconds(chance.pick([0, 0, 50]))
        settings.campaignDelay = delay...BootSpan.milliseconds(chance.pick([60, 250]))
        longestSync = chance.pick([1, 1, 5, 30, 120]) * Plan.millisecond
        flushPerMille = chance.pick([5, 30, 300])
        chunkPause = chance.pick([1, 5, 60]) * Plan.millisecond
        retention = chance.pick([0, 5, 50, 1000])
        churnPerMille = chance.pick([0, 30, 200])
        transferPerMille = chance.pick([0, 30, 150])
        offerPerMille = chance.pick([0, 0, 100, 500])
        hasPreference = chance.perMille(300)
        settings.messageBytes = chance.pick([70, 100, 400, 1 << 20])
        settings.windowBytes = chance.pick([300, 2000, 1 << 20])
        settings.proposedBytes = chance.pick([500, 4000, 1 << 20])
        // What these need to be of consequence.
        if favourites.contains(.eclipse) {
            longestSync = Plan.millisecond
            settings.campaignDelay = .zero ... .milliseconds(20)
        }
        if favourites.contains(.staleTail) {
            settings.messageBytes = 70
            clientPause = 2 * Plan.millisecond
            (retention, flushPerMille) = (1000, 100)
        }
        settings.settling = BootSpan.milliseconds(chance.pick([300, 2000]))
        settings.waitingReads = chance.pick([2, 50])
    }

    static let millisecond: UInt64 = 1_000_000
    static let second: UInt64 = 1_000_000_000
}

/// What can go wrong, besides the weather of the network.
enum Fault: CaseIterable {
    /// A process dies and comes back.
    case crash
    /// All do, at once.
    case powerCut
    /// A process stands still, or its machine is suspended.
    case pause
    /// A hypervisor does not let a machine run, and its clock does not show it.
    case stolenTime
    /// One node is cut off, in one direction or both.
    case isolation
    /// Nodes fall into two parts.
    case partition
    /// One node does not hear another.
    case deafness
    /// Everything from or to a node is slow.
    case slowLinks
    /// What was synced is lost, and the disk says so.
    case rot
    /// A machine comes back as it was earlier, and a peer says so.
    case restoredBackup
    /// A learner comes back with less, and nobody says so.
    case silentLoss
    /// Everything is lost.
    case wipe
    /// A disk syncs nothing for a while.
    case hangingSync
    /// A leader is cut off, and what it wrote last is not synced before others have gone on without it.
    case lateSync
    /// A leader is cut off with a tail that nobody else has, until others have led twice.
    case staleTail
    /// In a lull somebody stops hearing the leader that the others hear; one of these may restart at that moment.
    case rivalry
    /// In a lull a leader is cut off, with the worst clocks that are allowed.
    case eclipse
    /// A leader hears late, and is heard no more.
    case lateAnswers

    /// Those that aim at something.
    static let aimed: [Fault] = [
        .lateSync, .staleTail, .staleTail, .rivalry, .eclipse, .lateAnswers, .stolenTime, .silentLoss, .rot, .wipe,
    ]
}

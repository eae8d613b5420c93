import Chance

/// How a run of replicated groups is set up and what trouble it has; drawn from the seed.
struct GroupOptions {
    /// Processes, each with a replica of every group.
    let processes: Int
    let groups: Int
    let clients: Int
    let keys: Int
    var weather = Network.Weather()
    /// Mean nanoseconds between two events of a kind; nil: none.
    let crashPause: UInt64?
    let partitionPause: UInt64?
    let slowDiskPause: UInt64?
    let refusedSyncPause: UInt64?
    let rotPause: UInt64?
    let handOverPause: UInt64?
    let wipePause: UInt64?
    /// How far the clocks of two machines may drift apart, in thousandths; the leases count on less than ten.
    let driftPerMille: UInt64
    let killsWriting: Bool
    /// Whether each group has a process that should lead it.
    let prefersLeaders: Bool
    /// Whether logs are kept longer than their own processes need them.
    let keepsForPeers: Bool
    let duration: UInt64

    private static let second: UInt64 = 1_000_000_000

    init(_ random: inout SeededRandom) {
        processes = random.pick([3, 3, 5])
        groups = random.pick([1, 2, 5])
        clients = random.pick([2, 4, 8])
        keys = random.pick([1, 3, 20])
        weather.lossPerMille = random.pick([0, 0, 10, 100])
        crashPause = random.perMille(750) ? random.pick([2, 5, 20]) * Self.second : nil
        partitionPause = random.perMille(500) ? random.pick([3, 10]) * Self.second : nil
        slowDiskPause = random.perMille(400) ? random.pick([5, 20]) * Self.second : nil
        refusedSyncPause = random.perMille(300) ? random.pick([5, 20]) * Self.second : nil
        rotPause = random.perMille(300) ? 20 * Self.second : nil
        handOverPause = random.perMille(400) ? random.pick([1, 5]) * Self.second : nil
        wipePause = random.perMille(400) ? random.pick([3, 10]) * Self.second : nil
        driftPerMille = random.pick([0, 0, 2, 4])
        killsWriting = random.perMille(600)
        prefersLeaders = random.perMille(500)
        keepsForPeers = random.perMille(500)
        duration = UInt64.random(in: 40...60, using: &random) * Self.second
    }
}

import Chance
import Mutations

/// One replica of one group: Raft without I/O, threads, clock or chance of its own.
///
/// The owner calls a function for whatever happens, then carries out the effects, in order. See README.md for the
/// contract and for why it is safe.
public struct Consensus: Sendable {
    public let member: Member
    public let settings: Settings

    public internal(set) var role = Role.follower
    /// What has to be known after a crash; as wanted, not as durable.
    public internal(set) var hardState: HardState
    /// Who leads in this term, if it is known.
    public internal(set) var leader: Member?
    /// Entries up to here are known to be final.
    public internal(set) var commit: LogIndex
    /// Entries up to here were given to the state machine.
    public internal(set) var delivered: LogIndex
    /// Entries up to here have been applied by the state machine.
    public internal(set) var applied: LogIndex
    /// A preferred leader, to which others hand over when they can.
    public internal(set) var preferred: ReplicaSlot?

    var log: EntryWindow
    var configurations: ConfigurationHistory
    var writes: PendingWrites
    /// The write that holds the newest hard state.
    var hardStateWrite = WriteNumber.none
    /// A snapshot is being put in the state's place: nothing else happens until it is there.
    var installing: SnapshotBase?
    /// Of the last offer of this term's leader.
    var offerRound: UInt64 = 0
    var random: SplitMix
    var effects: [Effect] = []

    /// No vote for anybody but the leader, and no candidacy, before this.
    var promiseEnd: BootInstant
    /// When to ask for votes.
    var campaignAt: BootInstant
    /// Whether this replica acknowledged an append of this term's leader since it started.
    var followsLeader = false
    /// Who would vote or has voted for this replica.
    var votes = SlotSet()

    /// What a leader knows of its peers, by slot.
    var progress = [Progress?](repeating: nil, count: ReplicaSlot.count)
    /// The entry that this leader began its term with.
    var termStart = LogIndex.zero
    var leadsSince = BootInstant.zero
    var nextCheck = BootInstant.zero
    /// Before a transfer: there is no lease any more in this term.
    var hasGivenLeaseUp = false
    /// Promises for heartbeats sent up to here do not count.
    var leaseVeto: BootInstant?
    var transfer: Transfer?
    var isServing = false
    var reads: [WaitingRead] = []
    var lastRead: UInt64 = 0

    /// A replica that starts.
    ///
    /// - Parameters:
    ///   - stored: what its disk holds; all of it is durable.
    ///   - seed: for time-outs and nonces; a different one each time.
    public init(_ member: Member, _ stored: StoredState, settings: Settings, seed: UInt64, at now: BootInstant) {
        self.member = member
        self.settings = settings
        hardState = stored.hardState
        random = SplitMix(seed: seed)
        commit = stored.base.position.index
        delivered = commit
        applied = commit
        configurations = ConfigurationHistory(stored.base.configuration, at: commit)
        log = EntryWindow(base: stored.base.position)
        writes = PendingWrites(durableIndex: commit)
        promiseEnd = now
        campaignAt = now
        takeOver(stored)
        // Promises are not on disk.
        if !isOnlyVoter, !Mutation.restartsForgetTheirPromise.isPlanted { promiseEnd = now + settings.promise }
        restartCampaignTimer(at: now)
        if stored.isInDoubt || hardState.doubt != nil { enterDoubt(at: now) }
    }

    /// Takes over the effects since the last call, in order.
    ///
    /// - Parameter effects: what it held is dropped; its memory is used for the next ones.
    public mutating func takeEffects(into effects: inout [Effect]) {
        effects.removeAll(keepingCapacity: true)
        swap(&effects, &self.effects)
    }

    public var term: Term { hardState.term }
    /// Whether there are effects to be taken.
    public var hasEffects: Bool { !effects.isEmpty }
    /// The end of the log, durable or not.
    public var last: Position { log.last }
    /// The log is durable up to here.
    public var durableIndex: LogIndex { writes.durableIndex }
    /// The configuration in force.
    public var configuration: Configuration { configurations.latest }
    /// Where it stands in the log.
    public var configurationIndex: LogIndex { configurations.latestIndex }
    /// Whether this replica takes no part until the group has answered to its doubt.
    public var isRecovering: Bool { hardState.doubt != nil }
    /// Whether it is a leader that may read and propose.
    public var serves: Bool { isServing }
    /// Before this instant it votes for nobody but its leader.
    public var promisedUntil: BootInstant { promiseEnd }

    var voters: SlotSet { configurations.latest.voters }
    var isOnlyVoter: Bool { configurations.latest.isOnlyVoter(member) }
}

extension Consensus {
    /// The entry at `index`; nil if that is not, or no longer, in memory.
    public func entry(at index: LogIndex) -> Entry? { log.contains(index) ? log[index] : nil }

    /// The configuration in force at `index`, which must not be before what is in memory.
    public func configuration(at index: LogIndex) -> Configuration { configurations.inForce(at: index).configuration }

    /// What stands at `index`, if that is still in memory.
    public func position(at index: LogIndex) -> Position? {
        log.term(at: index).map { Position(index: index, term: $0) }
    }
}

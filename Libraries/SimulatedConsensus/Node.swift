import Consensus

/// One machine with one replica: its process, disk and clock, and the simplest state machine there is.
final class Node {
    let member: Member
    var consensus: Consensus
    var disk: SimulatedDisk
    var clock: SimulatedClock

    /// Counts the starts of the process; what was meant for an earlier one is void.
    var life: UInt32
    var isUp = true
    /// Its machine or process stands still.
    var isPaused = false
    /// The clock stood still as well, and the process does not know it yet.
    var lostTime = false
    /// What came while it stood still.
    var backlog: [Event.Kind] = []
    /// Its disk is lost: this incarnation never comes back.
    var isWiped = false

    /// Its disk begins no sync before this.
    var stalledUntil: UInt64 = 0
    /// Messages that wait for a write.
    var held: [(message: Message, after: WriteNumber)] = []
    var reported = WriteNumber.none
    /// When the next tick is due; nil: none is.
    var tickAt: UInt64?
    var snapshot: IncomingSnapshot?

    /// The state machine has applied everything up to here; its state is the judge's digest there.
    var applied = LogIndex.zero
    /// Who belongs to the group, as far as the state machine has applied it.
    var appliedConfiguration = Configuration()
    var isApplying = false
    /// What clients of this process wait for.
    var proposals: [Position] = []
    var reads: [PendingRead] = []

    /// When it heard last from each slot, by its own clock.
    var heardAt = [BootInstant](repeating: .zero, count: ReplicaSlot.count)
    /// What the judge remembers of it.
    var seen = Observation()

    init(
        _ member: Member, _ stored: StoredState, _ image: DiskImage, clock: SimulatedClock, life: UInt32,
        seed: UInt64, settings: Settings, at now: UInt64
    ) {
        self.member = member
        self.clock = clock
        self.life = life
        disk = SimulatedDisk(image)
        consensus = Consensus(member, stored, settings: settings, seed: seed, at: clock.read(at: now))
        applied = image.base.position.index
        appliedConfiguration = image.base.configuration
        seen.begin(consensus, image)
    }

    var slot: ReplicaSlot { member.slot }
    var isRunning: Bool { isUp && !isPaused }

    /// What the state machine could give to others.
    func snapshotBase() -> SnapshotBase? {
        guard let position = disk.image.position(at: applied) else { return nil }
        return SnapshotBase(position: position, configuration: appliedConfiguration)
    }

    /// Forgets what only a leader has.
    func dropClients() {
        proposals.removeAll()
        reads.removeAll()
    }
}

/// A snapshot on its way to a node.
struct IncomingSnapshot {
    let base: SnapshotBase
    var chunksLeft: Int
    /// Whether the next chunk is on its way.
    var isMoving: Bool
    var isInstalling = false
}

/// A read that somebody waits for.
struct PendingRead {
    /// Nil: it needs no confirmation, or has it.
    var number: ReadNumber?
    /// The state has to have applied this.
    var index: LogIndex
    /// What a client had seen when this was asked.
    let floor: LogIndex
    let byLease: Bool
}

/// What is known of a node from outside, to compare with.
struct Observation {
    var term = Term.zero
    var commit = LogIndex.zero
    /// Before the last step.
    var commitBefore = LogIndex.zero
    /// Where the configurations are in its log, as its writes say; the first is that of its state.
    var configurations: [(index: LogIndex, configuration: Configuration)] = []
    /// The term in which it last wanted to acknowledge something in this life.
    var acknowledgedIn: Term?
    /// The highest entry it has acknowledged to a leader.
    var acknowledged = LogIndex.zero
    /// The last hard state it wanted written says that it is in doubt.
    var isInDoubt = false
    /// The end of its log as its writes say.
    var end = LogIndex.zero

    mutating func begin(_ consensus: Consensus, _ image: DiskImage) {
        term = consensus.term
        commit = consensus.commit
        configurations = [(image.base.position.index, image.base.configuration)]
        for entry in image.entries where entry.index > image.base.position.index {
            if case .configuration(let configuration) = entry.content {
                configurations.append((entry.index, configuration))
            }
        }
        end = image.end
    }
}

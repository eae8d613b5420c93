import Consensus
import EventLoop
import Logging
import Mutations
import Protocol
import ReplicatedLog

/// What a process keeps of its groups: the log makes every entry durable at once, the state is what the entries amount
/// to, flushed now and then. After a crash the state is the last flush plus a replay of the log. Thread-safe.
package final class ReplicaStorage: Sendable {
    package let disk: any ReplicaDisk
    package let host: LogHost
    /// What the state of each group held before the log was read: that much is durable.
    package let flushed: [LogGroupID: LogIndex]
    /// Who this process is in its groups.
    package let member: Member
    private let place: ReplicaPlace
    /// Groups of which there is nothing, and which begin to exist with their replica here.
    package let unborn: Set<LogGroupID>
    /// What the disk has of each group that was there.
    private let stored: [LogGroupID: StoredState]

    /// Opens the log and reads it. Blocks; for start-up.
    ///
    /// - Parameters:
    ///   - states: of all groups that may have entries in the log.
    ///   - place: what the process is for its groups.
    ///   - onShortage: called on the writer's thread when the disk becomes full, with the reason, and with nil when
    ///     there is room again.
    ///   - apply: gives a state machine a command that its state lacks.
    package init(
        _ disk: any ReplicaDisk, _ states: [LogGroupID: any ReplicatedState], _ place: ReplicaPlace = .founder,
        onShortage: @escaping @Sendable (String?) -> Void = { _ in },
        apply: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        self.disk = disk
        flushed = states.mapValues(\.appliedIndex)
        let log = try disk.openLog(mustExist: flushed.values.contains { $0 > .zero })
        let member = Member(slot: place.slot, incarnation: log.incarnation)
        self.member = member
        self.place = place
        let contents = log.contents
        let founders = { (group: LogGroupID) in Self.founders(of: group, place, member) }
        let old = Self.withoutTerms(states, contents)
        let held = try log.replay(
            into: states, founders: { old.contains($0) ? Configuration(born: member) : founders($0) },
            isFinal: { $0.isOnlyVoter(member) || Mutation.entriesBehindTheStateAreFinal.isPlanted }, apply)
        var stored: [LogGroupID: StoredState] = [:]
        for (group, state) in states {
            stored[group] = try StoredState(
                of: group, state, member,
                founders: old.contains(group) ? Configuration(born: member) : founders(group),
                in: contents[group], behind: held[group] ?? [])
        }
        self.stored = stored
        unborn = Set(stored.filter { $0.value.isNothing && !founders($0.key).voters.isEmpty }.keys)
        // A process that died between a flush and this has left the log as full as it was.
        if !Mutation.startsKeepTheLog.isPlanted { try log.trim(through: flushed) }
        try disk.opened()
        host = try LogHost(store: log, on: disk.makeWriter(), onShortage: onShortage)
    }

    /// Who belongs to a group of which there is nothing.
    private static func founders(of group: LogGroupID, _ place: ReplicaPlace, _ member: Member) -> Configuration {
        place.founds(group) || Mutation.everybodyFounds.isPlanted ? Configuration(born: member) : Configuration()
    }

    /// Groups of a version that had one replica of everything: that one is a founder, whatever it is started as.
    private static func withoutTerms(
        _ states: [LogGroupID: any ReplicatedState], _ contents: [LogGroupID: LogContents]
    ) -> Set<LogGroupID> {
        Set(
            states.filter { group, state in
                guard state.standing == nil else { return false }
                let first = contents[group]?.entries?.lowerBound
                return state.appliedIndex > .zero || first.map { contents[group]?.term(at: $0) == .zero } ?? false
            }.keys)
    }

    /// A group's replica, on the loop of `lane`.
    ///
    /// - Parameter state: as it was brought up to the log; of a group that was not there, an empty one.
    package func open(
        _ group: LogGroupID, _ state: any ReplicatedState, on lane: LogLane,
        home: StateHome? = nil, settings: Settings = Settings()
    ) -> Replica {
        let nothing = SnapshotBase(position: .zero, configuration: Self.founders(of: group, place, member))
        let stored = stored[group] ?? StoredState(hardState: HardState(), base: nothing, entries: [])
        precondition(state.appliedIndex == stored.base.position.index, "the state of \(group) is not as it was read")
        return lane.open(group, member, stored, state, home: home, settings: settings)
    }

    /// Whether changes wait for room on the disk.
    package var isFull: Bool { host.shortage != nil }

    /// Makes durable what is in flight, for it to be delivered, and takes nothing more. Blocks.
    package func closeLog() { host.close() }

    /// Flushes the state and lets go of it, when everything was delivered. Blocks. Without room for that the next start
    /// replays the log instead, and `logger` says so.
    package func closeState(_ logger: Logger) throws {
        if try !disk.close() { logger.warning("no room to flush the state; the next start replays the log instead") }
    }

    /// Both, where all groups are on one loop.
    package func close(on loop: EventLoop, _ logger: Logger, _ done: @escaping () -> Void) {
        // On another thread, as what comes from there is behind the deliveries that the writer thread has left for the
        // loop, and what the loop submits to itself is not.
        loop.work({ [self] in closeLog() }) { [self] _ in
            do {
                try closeState(logger)
            } catch {
                logger.error("closing the state: \(error)")
            }
            done()
        }
    }
}

extension StoredState {
    /// Whether the disk knows nothing of the group.
    fileprivate var isNothing: Bool { hardState.term == .zero && base.position == .zero && entries.isEmpty }
}

import Consensus
import Protocol
import ReplicatedLog
import Store

/// The data of one replica's stopped service, when so many of the others are lost for good that the rest can decide
/// nothing. While this lives the service cannot start on it.
public struct SurvivingReplica {
    let path: String
    let log: SegmentedLogReader
    /// Of the groups, in their order.
    public let groups: [SurvivingGroup]
    /// Its place in all of them.
    public let slot: ReplicaSlot
    /// Which life of its disk it is.
    public var incarnation: Incarnation { log.incarnation }

    /// Looks at what is in `path`, the `--data` of a service; changes nothing.
    public init(of service: ReplicatedService, in path: String) throws {
        try self.init(in: path) { try service.states(in: $0) }
    }

    /// - Parameter open: opens the states of all groups in a store.
    package init(
        in path: String, _ open: (any OrderedStore) throws -> [LogGroupID: any ReplicatedState]
    ) throws {
        self.path = path
        try Self.finishExchange(in: path)
        log = try Self.openLog(path + "/log")
        var options = RocksOptions(writeAheadLog: false, memoryBudgetBytes: 32 << 20)
        options.isReadOnly = true
        let store = OverlayStore(over: try RocksStore(directory: path + "/state", options: options))
        groups = try Self.groups(try open(store), log)
        guard !groups.isEmpty else { throw RecoveryError.holdsNothing(path) }
        let places = Set(groups.compactMap { [log] in $0.slot(of: log.incarnation) })
        guard let slot = places.first, places.count == 1 else { throw RecoveryError.hasNoPlace(path) }
        self.slot = slot
    }

    private static func openLog(_ path: String) throws -> SegmentedLogReader {
        do {
            return try SegmentedLogReader(directory: path)
        } catch LogError.locked(let path) {
            throw RecoveryError.running(path)
        }
    }

    private static func groups(
        _ states: [LogGroupID: any ReplicatedState], _ log: SegmentedLogReader
    ) throws -> [SurvivingGroup] {
        var configurations = states.compactMapValues { $0.standing?.configuration }
        let ends = try log.replay(after: states.mapValues(\.appliedIndex)) { group, entry in
            guard entry.kind == .configuration else { return }
            configurations[group] = try Configuration(record: entry.bytes)
        }
        return try states.sorted { $0.key < $1.key }.compactMap { id, state in
            // Where nobody belongs there is nothing.
            guard let configuration = configurations[id], !configuration.slots.isEmpty else { return nil }
            let (contents, end) = (log.contents[id], ends[id] ?? state.appliedIndex)
            let hardState = try contents?.hardState.map { try HardState(record: $0) } ?? HardState()
            let term = contents?.term(at: end) ?? state.standing?.term ?? .zero
            return SurvivingGroup(
                id: id, last: Position(index: end, term: term), certain: state.appliedIndex,
                configuration: configuration, hardState: hardState)
        }
    }
}

extension SurvivingGroup {
    /// Where a life of a disk belongs to the group.
    fileprivate func slot(of incarnation: Incarnation) -> ReplicaSlot? {
        configuration.slots.first { configuration[$0]?.incarnation == incarnation }
    }
}

import CoordinatorCore
import Protocol
import RegistryCore
import ReplicatedLog
import ShardCore
import Store

/// A service whose groups have replicas.
public enum ReplicatedService: String, CaseIterable, Sendable {
    case shards, cdc, registry

    /// What a group of its processes is called by everybody else.
    public func number(of id: LogGroupID) -> GroupNumber {
        switch self {
        case .shards: GroupNumber(rawValue: id.rawValue)
        case .cdc: .coordinator
        case .registry: .registry
        }
    }

    /// The states of all groups that may be in a process's store.
    func states(in store: any OrderedStore) throws -> [LogGroupID: any ReplicatedState] {
        let only = LogGroupID(rawValue: 0)
        switch self {
        case .shards:
            let budget = ShardCacheBudget(limitBytes: 16 << 20)
            var states: [LogGroupID: any ReplicatedState] = [:]
            for shard in ShardID.all {
                let state = try GroupStore(over: store, prefix: [shard.rawValue])
                states[LogGroupID(rawValue: UInt32(shard.rawValue))] = try ShardCore(
                    store: state, shard: shard, cacheBudget: budget)
            }
            return states
        case .cdc:
            let options = CoordinatorOptions(defaultInfo: DirectoryInfo(entries: []))
            return [
                only: try Coordinator(
                    store: try GroupStore(over: store, prefix: []), prefix: [], options: options)
            ]
        case .registry:
            let state = try GroupStore(over: store, prefix: [])
            return [
                only: try RegistryCore(store: state, prefix: [], configuration: RegistryConfiguration())
            ]
        }
    }
}

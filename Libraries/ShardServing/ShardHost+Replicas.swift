import Client
import EventLoop
import Mutations
import Protocol
import Replicas
import ReplicatedLog

// What a process does of which the shards have replicas in other ones.
extension ShardHost {
    private static let askAgainNanoseconds: UInt64 = 1_000_000_000

    /// Begins shards only if nobody has served them. Without any other process there is nobody to join.
    func ifFirst(_ start: @escaping () -> Void) {
        let unborn = storage.unborn.intersection(configuration.shards.map { LogGroupID($0) })
        guard peers != nil, !unborn.isEmpty else { return start() }
        registry.call(AllShardsRequest()) { [self] result in
            switch result {
            case .success(let response):
                let served = response.shards.first { row in
                    row.locationId == configuration.location && row.addrs.addr1.port != 0
                        && unborn.contains(LogGroupID(row.id.shard))
                }
                guard let served, !Mutation.anybodyMayBegin.isPlanted else { return start() }
                daemon.fail(NotTheFirst("shard \(served.id.shard)"))
            case .failure(let error):
                guard !isStopping else { return }
                daemon.logger.error("cannot ask the registry whether shards have been served before: \(error)")
                daemon.loop.timer(afterNanoseconds: Self.askAgainNanoseconds) { [self] in ifFirst(start) }
            }
        }
    }

    /// Lets other replicas lead, for as long as that takes.
    func handOver(_ done: @escaping () -> Void) {
        var remaining = shardLoops.count
        let main = daemon.loop
        let end = Handover<() -> Void> {
            remaining -= 1
            if remaining == 0 { done() }
        }
        for shardLoop in shardLoops {
            shardLoop.submit { shards in shards.handOver { main.submit { end.value() } } }
        }
    }
}

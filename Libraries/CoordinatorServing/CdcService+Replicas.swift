import Consensus
import CoordinatorCore
import EventLoop
import Protocol
import Replicas

// What a coordinator does that has replicas in other processes.
extension CdcService {
    func startReplicating() {
        keeper.onFlush = { [unowned self] flushed in flusher.makeDurable(flushed) }
        pipeline.log.onFollowing = { [unowned self] in
            registry.note(.isLedElsewhere)
            clients.receiveHeld()
        }
        peers?.exchange.passOn(to: [.coordinator: LoopBound(clients, on: loop)])
    }

    /// Begins the coordinator only if there was none. Without any other process there is nobody to join.
    func ifFirst(_ begin: @escaping () -> Void) {
        guard peers != nil, !storage.unborn.isEmpty else { return begin() }
        registry.isServed { [unowned self] isServed in
            guard isServed else { return begin() }
            daemon.fail(NotTheFirst("the coordinator"))
        }
    }
}

import Client
import Consensus
import EventLoop
import Logging
import Protocol
import Replicas

/// Tells the registry where the shards are and which of them are led here: each as soon as that is known, then all of
/// them every one to two minutes. On the main loop.
final class Registrar {
    private let registry: RegistryConnection
    private let loop: EventLoop
    private let logger: Logger
    private let location: LocationID
    /// Of this process's replicas; nil: they are the only ones, and are registered in the way of the base protocol.
    private let slot: ReplicaSlot?
    private let registered: (ShardID) -> Void
    private var addresses: [ShardID: AddrsInfo] = [:]
    private var standings: [ShardID: GroupStanding] = [:]
    /// Shards whose last registration failed.
    private var failing: Set<ShardID> = []
    private var timer: LoopTimer?

    private static let second: UInt64 = 1_000_000_000

    /// - Parameter registered: called for each successful registration.
    init(
        _ registry: RegistryConnection, loop: EventLoop, logger: Logger, location: LocationID, slot: ReplicaSlot?,
        registered: @escaping (ShardID) -> Void
    ) {
        self.registry = registry
        self.loop = loop
        self.logger = logger
        self.location = location
        self.slot = slot
        self.registered = registered
        scheduleRenewal()
    }

    func add(_ shard: ShardID, at addresses: [SocketAddress]) {
        self.addresses[shard] = AddrsInfo(addresses)
        register(shard)
    }

    func note(_ standing: GroupStanding, of shard: ShardID) {
        standings[shard] = standing
        register(shard)
    }

    func stop() {
        timer?.cancel()
        timer = nil
        addresses = [:]
    }

    private func scheduleRenewal() {
        let pause = UInt64.random(in: 60 * Self.second...120 * Self.second)
        timer = loop.timer(afterNanoseconds: pause) { [weak self] in
            guard let self else { return }
            for shard in addresses.keys.sorted() { register(shard) }
            scheduleRenewal()
        }
    }

    /// Tries again, and says so once for all shards that have the same trouble.
    private func failed(_ shard: ShardID, _ error: RegistryCallError) {
        // After the end nothing more is registered.
        guard addresses[shard] != nil else { return }
        if failing.isEmpty { logger.error("cannot register shard \(shard) and perhaps others: \(error)") }
        guard failing.insert(shard).inserted else { return }
        loop.timer(afterNanoseconds: Self.second) { [weak self] in
            guard let self, failing.remove(shard) != nil else { return }
            register(shard)
        }
    }

    private func register(_ shard: ShardID) {
        guard let addresses = addresses[shard], let standing = standings[shard] else { return }
        let registration = ReplicaRegistration(GroupNumber(shard), in: slot, location, at: addresses)
        guard let request = registration.request(standing) else { return }
        send(request, of: shard)
    }

    private func send(_ request: some RegistryRPC, of shard: ShardID) {
        registry.call(request) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success:
                failing.remove(shard)
                registered(shard)
            case .failure(let error):
                failed(shard, error)
            }
        }
    }
}

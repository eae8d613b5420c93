import Client
import EventLoop
import Logging
import Protocol

/// Tells the registry where the shards are: each as soon as it serves, then all of them every one to two minutes. On
/// the main loop.
final class Registrar {
    private let registry: RegistryConnection
    private let loop: EventLoop
    private let logger: Logger
    private let location: LocationID
    private let registered: (ShardID) -> Void
    private var addresses: [ShardID: AddrsInfo] = [:]
    /// Shards whose last registration failed.
    private var failing: Set<ShardID> = []
    private var timer: LoopTimer?

    private static let second: UInt64 = 1_000_000_000

    /// - Parameter registered: called for each successful registration.
    init(
        _ registry: RegistryConnection, loop: EventLoop, logger: Logger, location: LocationID,
        registered: @escaping (ShardID) -> Void
    ) {
        self.registry = registry
        self.loop = loop
        self.logger = logger
        self.location = location
        self.registered = registered
        scheduleRenewal()
    }

    func add(_ shard: ShardID, at addresses: [SocketAddress]) {
        self.addresses[shard] = AddrsInfo(addresses)
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
        if failing.isEmpty { logger.error("cannot register shard \(shard) and perhaps others: \(error)") }
        failing.insert(shard)
        loop.timer(afterNanoseconds: Self.second) { [weak self] in self?.register(shard) }
    }

    private func register(_ shard: ShardID) {
        guard let addresses = addresses[shard] else { return }
        let request = RegisterShardRequest(
            shrid: ShardReplicaID(shard: shard, replica: ReplicaID(rawValue: 0)), isLeader: true, addrs: addresses,
            location: location)
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

import Client
import GarbageCollection
import Protocol

/// An instance of the garbage collector: the real one, over a simulated network.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
final class Collector: @unchecked Sendable {
    private let client: SimulatedClient
    private let rounds: ShardRounds<SimulatedClient>
    private(set) var isRunning = false

    private static let minimumAge: UInt64 = 10_000_000_000
    private static let pause: ClosedRange<UInt64> = 30_000_000_000...180_000_000_000

    init(_ client: SimulatedClient) {
        self.client = client
        rounds = ShardRounds(
            cluster: client, collector: DirectoryCollector(cluster: client, minimumAgeNanoseconds: Self.minimumAge),
            destructor: FileDestructor(
                cluster: client, marginNanoseconds: Self.minimumAge, pauseNanoseconds: 60_000_000_000)
        ) { _, _, _ in }
    }

    /// Rounds until `end`, with pauses.
    func start(until end: UInt64) {
        isRunning = true
        client.world.spawn { [self] in
            while client.world.now < end {
                await client.world.sleep(UInt64.random(in: Self.pause, using: &client.world.random))
                await round()
            }
            isRunning = false
        }
    }

    /// One round over all shards in use.
    func round() async {
        for shard in client.cluster.watch.shards {
            _ = await rounds.collectDirectories(of: shard)
            _ = await rounds.destroyFiles(of: shard)
            _ = await rounds.cleanIndex(of: shard)
        }
    }
}

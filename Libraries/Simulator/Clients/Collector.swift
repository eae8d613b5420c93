import Client
import GarbageCollection
import Protocol

/// An instance of the garbage collector: the real one, over a real client.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
final class Collector: @unchecked Sendable {
    let client: SimulatedClient
    private let rounds: ShardRounds<SimulatedClient>
    private(set) var isRunning = false

    private static let minimumAge: UInt64 = 10_000_000_000
    private static let pause: ClosedRange<UInt64> = 60_000_000_000...300_000_000_000

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
        client.loop.task { [self] in
            while client.world.now < end {
                await client.world.sleep(UInt64.random(in: Self.pause, using: &client.world.random))
                await round()
            }
            isRunning = false
        }
    }

    /// One round; `isRunning` until it has ended.
    func startRound() {
        isRunning = true
        client.loop.task { [self] in
            await round()
            isRunning = false
        }
    }

    /// Over all shards in use. The index rarely has anything to clean.
    private func round() async {
        let cleansIndex = client.world.random.perMille(250)
        for shard in client.cluster.watch.shards {
            _ = await rounds.collectDirectories(of: shard)
            _ = await rounds.destroyFiles(of: shard)
            if cleansIndex { _ = await rounds.cleanIndex(of: shard) }
        }
    }
}

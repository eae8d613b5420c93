import Client
import EventLoop
import GarbageCollection
import Protocol
import Synchronization
import TestServices
import Testing

/// What collection believes about the time of a running cluster.
@Suite(.timeLimit(.minutes(1))) struct LiveClusterTests {
    private static let month: UInt64 = 30 * 86_400 * 1_000_000_000
    private static let start: UInt64 = 1_700_000_000 * 1_000_000_000

    /// What the time is, or why nobody can say.
    private static func time(of cluster: LiveCluster) -> Result<Timestamp, ClientError> {
        Result { () throws(ClientError) in try cluster.now }
    }

    @Test("where the wall clock is not the registry's nothing is old") func wrongClock() async throws {
        let times: [Result<Timestamp, ClientError>] = try await onLoop { loop, finish in
            let client = try Client(loop: loop, registries: [.loopback(port: 9)])
            let wall = Mutex(Self.start)
            let clock = ClusterClock { (wall.withLock { $0 }, 5) }
            let cluster = LiveCluster(
                client: client, clock: clock, registries: [.loopback(port: 9)], requestsPerSecond: 1)
            var times = [Self.time(of: cluster)]
            clock.learn(Timestamp(nanoseconds: Self.start), sent: 5)
            for moved in [0, Self.month, 0 &- Self.month, 0] {
                wall.withLock { $0 = Self.start &+ moved }
                times.append(Self.time(of: cluster))
            }
            loop.task { [times] in
                await cluster.close()
                await client.close()
                finish(times)
            }
        }
        let isKnown = times.map { (try? $0.get()) == Timestamp(nanoseconds: Self.start) }
        // Before the registry has said anything, then right, ahead, behind, and right again.
        #expect(isKnown == [false, true, false, false, true])
        #expect(times.count { $0.failure?.cause == .wrongClock } == 3)
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}

import Client
import EventLoop
import GarbageCollection
import MaintenanceState
import Protocol
import Store
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
                client: client, clock: clock, rest: try ClockRest(MaintenanceState(store: MemoryStore())),
                registries: [.loopback(port: 9)], requestsPerSecond: 1)
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

    /// A machine with the registry and, one after the other, collectors on it.
    private final class Machine {
        private final class Clocks: Sendable {
            let wall = Mutex(LiveClusterTests.start)
            let monotonic = Mutex(UInt64(5))
        }

        private let clocks = Clocks()
        private let state: MaintenanceState
        private let client: Client
        private var processes: [(clock: ClusterClock, cluster: LiveCluster)] = []

        init(_ client: Client) throws {
            self.client = client
            state = try MaintenanceState(store: MemoryStore())
        }

        func pass(_ nanoseconds: UInt64) {
            clocks.monotonic.withLock { $0 += nanoseconds }
            setClock(by: nanoseconds)
        }

        func setClock(by nanoseconds: UInt64) { clocks.wall.withLock { $0 &+= nanoseconds } }

        func start(isClockRight: Bool = false) throws {
            let clock = ClusterClock { [clocks] in (clocks.wall.withLock { $0 }, clocks.monotonic.withLock { $0 }) }
            let rest = try ClockRest(state, isClockRight: isClockRight)
            let cluster = LiveCluster(
                client: client, clock: clock, rest: rest, registries: [.loopback(port: 9)], requestsPerSecond: 1)
            processes.append((clock, cluster))
        }

        /// Whether the process that was started last would remove something, after it has asked the registry.
        var collects: Bool {
            guard let (clock, cluster) = processes.last else { return false }
            clock.learn(Timestamp(nanoseconds: clocks.wall.withLock { $0 }), sent: clock.monotonicNanoseconds)
            return (try? LiveClusterTests.time(of: cluster).get()) != nil
        }

        var clusters: [LiveCluster] { processes.map(\.cluster) }
    }

    /// What a machine's collectors do.
    private static func run(_ body: @escaping @Sendable (Machine) throws -> [Bool]) async throws -> [Bool] {
        try await onLoop { loop, finish in
            let client = try Client(loop: loop, registries: [.loopback(port: 9)])
            let machine = try Machine(client)
            let answers = try body(machine)
            loop.task { [clusters = machine.clusters] in
                for cluster in clusters { await cluster.close() }
                await client.close()
                finish(answers)
            }
        }
    }

    private static let day = month / 30

    @Test("the day after the registry's clock was set nothing is old, whoever starts anew meanwhile")
    func clockWasSet() async throws {
        let answers = try await Self.run { machine in
            try machine.start()
            var answers = [machine.collects]
            machine.setClock(by: Self.month)
            answers.append(machine.collects)
            machine.pass(Self.day / 2)
            try machine.start()
            answers.append(machine.collects)
            machine.pass(Self.day / 2 - 1)
            answers.append(machine.collects)
            machine.pass(1)
            answers.append(machine.collects)
            return answers
        }
        #expect(answers == [true, false, false, false, true])
    }

    @Test("the same when it was set while no collector ran", arguments: [month, 0 &- month])
    func clockWasSetMeanwhile(by nanoseconds: UInt64) async throws {
        let answers = try await Self.run { machine in
            try machine.start()
            var answers = [machine.collects]
            machine.setClock(by: nanoseconds)
            for _ in 0..<2 {
                try machine.start()
                answers.append(machine.collects)
            }
            machine.pass(Self.day)
            answers.append(machine.collects)
            return answers
        }
        #expect(answers == [true, false, false, true])
    }

    @Test("who is away for days again and again comes to the end of the rest; a small step back does not cut it short")
    func restGoesOn() async throws {
        let answers = try await Self.run { machine in
            try machine.start()
            var answers = [machine.collects]
            for _ in 0..<3 {
                machine.setClock(by: 3 * Self.day)
                try machine.start()
                answers.append(machine.collects)
                machine.setClock(by: 0 &- 1_000_000_000)
                answers.append(machine.collects)
                machine.pass(Self.day / 3 + 1_000_000_000)
                answers.append(machine.collects)
            }
            return answers
        }
        #expect(answers == [true, false, false, false, false, false, false, false, false, true])
    }

    @Test("somebody may say that it is right, and what is stopped for hours starts as it was")
    func noRest() async throws {
        let answers = try await Self.run { machine in
            try machine.start()
            var answers = [machine.collects]
            machine.setClock(by: Self.month)
            for isClockRight in [false, true, false] {
                try machine.start(isClockRight: isClockRight)
                answers.append(machine.collects)
            }
            machine.pass(Self.day / 2)
            try machine.start()
            answers.append(machine.collects)
            return answers
        }
        #expect(answers == [true, false, true, true, true])
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}

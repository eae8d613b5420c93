import Consensus
import ReplicatedLog
import Synchronization

/// A real log of one loop in memory, whose loop and writer do what they have to when a test says so.
package final class HandDrivenLog {
    package let host: LogHost
    package let lane: LogLane
    private let writer = HandDrivenWriter()
    private let turns = Turns()

    package init(
        _ store: any LogStore = MemoryLogStore(), now: @escaping @Sendable () -> BootInstant = { .zero },
        wall: @escaping @Sendable () -> UInt64 = { 0 }, seed: UInt64 = 1
    ) throws(LogError) {
        host = try LogHost(store: store, on: writer)
        lane = host.lane(LaneLoop(now: now, wall: wall, seed: { seed }, resume: { [turns] in turns.submit($0) }))
    }

    /// Lets loop and writer do all that they have to.
    package func settle() {
        while turns.run() || writer.run() {}
    }

    /// Lets the loop do what it has to, and not the writer.
    package func turn() {
        while turns.run() {}
    }

    /// For what else belongs to the loop.
    package func submit(_ work: @escaping @Sendable () -> Void) { turns.submit(work) }

    package func close() {
        host.close()
        settle()
    }
}

/// What a loop is to do in its next turn.
private final class Turns: Sendable {
    private let works = Mutex<[@Sendable () -> Void]>([])

    func submit(_ work: @escaping @Sendable () -> Void) { works.withLock { $0.append(work) } }

    /// Whether there was anything to do.
    func run() -> Bool {
        let taken = works.withLock { works in
            defer { works = [] }
            return works
        }
        for work in taken { work() }
        return !taken.isEmpty
    }
}

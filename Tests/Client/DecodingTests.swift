import Client
import Dispatch
import EventLoop
import Glibc
import Protocol
import Synchronization
import TestSupport
import Testing

/// What takes the processor for long is not done on the loop, on which everybody else waits.
@Suite(.timeLimit(.minutes(1))) struct DecodingTests {
    typealias Files = FileRoundTripTests

    /// Keeps all threads of the shared queue busy.
    private final class Blockade: Sendable {
        private let gate = DispatchSemaphore(value: 0)
        private let threads = max(2, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        private let busy = Atomic(0)
        private let isOver = Atomic(false)

        /// Returns when no thread is free.
        func begin() throws {
            for _ in 0..<threads {
                WorkQueue.shared.run { [self] in
                    busy.add(1, ordering: .relaxed)
                    gate.wait()
                }
            }
            guard happens({ busy.load(ordering: .relaxed) == threads }) else { throw TestFailure("no work is done") }
        }

        /// Does nothing the second time.
        func end() {
            guard !isOver.exchange(true, ordering: .relaxed) else { return }
            for _ in 0..<threads { gate.signal() }
        }
    }

    @Test func lostBlocksAreDecodedByWorkers() async throws {
        let bytes = Files.content(700_000)
        let (isEarly, fetched, read) = try await FakeCluster.run { cluster in
            let id = try await Files.write(bytes, cluster)
            cluster.blocks.behaviours = [0: .lostEverything]
            let blockade = Blockade()
            let isRead = Atomic(false)
            try blockade.begin()
            defer { blockade.end() }
            let reading = Task {
                let read = try await cluster.client.open(id).read(at: 0, count: bytes.count).bytes
                isRead.store(true, ordering: .relaxed)
                return read
            }
            // As long as it takes to fetch the other blocks, and many turns more.
            var turns = 0
            while turns < 5000, cluster.blocks.fetchedBytes < bytes.count {
                await cluster.loop.sleep(nanoseconds: 2_000_000)
                turns += 1
            }
            for _ in 0..<100 { await cluster.loop.sleep(nanoseconds: 2_000_000) }
            let (isEarly, fetched) = (isRead.load(ordering: .relaxed), cluster.blocks.fetchedBytes)
            blockade.end()
            return (isEarly, fetched, try await reading.value)
        }
        #expect(!isEarly && fetched >= bytes.count)
        #expect(areEqual(read, bytes))
    }
}

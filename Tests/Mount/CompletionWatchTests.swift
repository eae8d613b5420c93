import EventLoop
import Glibc
import Synchronization
import TestSupport
import Testing
import sterna_mount

/// Questions to a procfs that does not answer, as while a process is in execve.
@Suite(.timeLimit(.minutes(1))) struct CompletionWatchTests {
    @Test("the loop goes on while procfs keeps a reader waiting, and the reader gives up") func goesOn() async throws {
        let directory = try TemporaryDirectory("proc")
        let pipe = directory.path + "/77/status"
        guard mkdir(directory.path + "/77", 0o755) == 0, mkfifo(pipe, 0o600) == 0 else { throw POSIXFailure("mkfifo") }
        let (loop, thread) = try EventLoop.startThread(name: "test") { _ in }
        thread.detach()
        defer { loop.stop() }
        let watch = CompletionWatch(loop: loop, rule: CompletionRule(processes: ProcessTable(root: directory.path)))
        // Whoever opens it to read waits for somebody who writes.
        let group = loop.task { await watch.group(ofThread: 77) }
        let turns = Atomic(0)
        let turning = loop.task {
            for _ in 0..<100 {
                await loop.sleep(nanoseconds: 1_000_000)
                turns.add(1, ordering: .relaxed)
            }
        }
        #expect(happens(within: 10) { turns.load(ordering: .relaxed) == 100 }, "procfs is read on the loop")
        // Succeeds only if somebody waits.
        var writer: Int32 = -1
        #expect(happens(within: 10) {
            writer = open(pipe, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
            return writer >= 0
        })
        close(writer)
        #expect(await group.value == nil)
        await turning.value
    }
}

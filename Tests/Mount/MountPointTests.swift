import EventLoop
import Glibc
import Testing
import sterna_mount

/// How a mount goes off its place.
@Suite(.timeLimit(.minutes(1))) struct MountPointTests {
    /// As when the disk of the spool hangs. So many works that all threads have one, each waits for the end of the
    /// pipe.
    private static func hangWorkers(on descriptor: Int32) {
        for _ in 0..<256 {
            WorkQueue.shared.run {
                var byte: UInt8 = 0
                _ = read(descriptor, &byte, 1)
            }
        }
    }

    @Test func workersThatHangKeepNobodyFromIt() async throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        Self.hangWorkers(on: ends[0])
        let isDetached = await MountPoint.detach("/nonexistent/mount")
        close(ends[1])
        #expect(!isDetached)
    }
}

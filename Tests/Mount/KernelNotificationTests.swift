import Filesystem
import Protocol
import Synchronization
import TestSupport
import Testing
import sterna_mount

@Suite(.timeLimit(.minutes(2))) struct KernelNotificationTests {
    /// A kernel in which somebody holds the lock of a directory.
    private final class LockedDirectory: KernelCache {
        struct State {
            var isLocked = true
            var isWaitedFor = false
            var names: [[UInt8]] = []
            var contents: [NodeID] = []
        }
        let state = Mutex(State())

        func forget(_ name: [UInt8], in directory: NodeID) {
            state.withLock { $0.isWaitedFor = true }
            // Not for ever: whoever waits for this although he should not must be found out.
            _ = happens(within: 80) { state.withLock { !$0.isLocked } }
            state.withLock { state in
                state.isWaitedFor = false
                state.names.append(name)
            }
        }

        func forgetContent(of node: NodeID) {
            state.withLock { $0.contents.append(node) }
        }
    }

    @Test func contentsAreHeardOfWhileANameWaitsForItsDirectory() async {
        let kernel = LockedDirectory()
        let notifications = KernelNotifications()
        notifications.attach(kernel)
        let node = NodeID(InodeID(type: .file, shard: ShardID(rawValue: 3), index: 7))
        notifications.nameChanged([65], in: .root)
        #expect(happens { kernel.state.withLock { $0.isWaitedFor } })
        notifications.contentChanged(node)
        await notifications.heard()
        kernel.state.withLock { state in
            #expect(state.contents == [node] && state.isWaitedFor, "the lock is held still")
            state.isLocked = false
        }
        #expect(happens { kernel.state.withLock { $0.names == [[65]] } })
        notifications.stop()
        notifications.join()
        notifications.contentChanged(node)
        await notifications.heard()
        #expect(kernel.state.withLock { $0.contents.count } == 1, "it was let go of")
    }
}

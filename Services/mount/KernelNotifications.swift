import CFUSE
import EventLoop
import Filesystem
import Glibc
import Synchronization

/// Tells the kernel that something it cached is no longer right.
///
/// On a thread of its own: the kernel takes the lock of the directory, which somebody may hold who waits for an answer
/// of ours. Thread-safe.
final class KernelNotifications: Observer {
    private let queue = WorkQueue(name: "notify", threads: 1)
    private let isStopped = Atomic(false)
    private let session = Monitor<OpaquePointerBox?>(nil)

    /// `@unchecked Sendable`: libfuse sends notifications from any thread; the session is freed only after `join`.
    private struct OpaquePointerBox: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    func attach(_ pointer: OpaquePointer) {
        let box = OpaquePointerBox(pointer: pointer)
        session.withLock { $0 = box }
    }

    /// Begins no notification any more.
    func stop() {
        isStopped.store(true, ordering: .releasing)
    }

    /// After this the session is not used any more. Waits for a notification under way, so the kernel must be able to
    /// finish it: end the session before.
    func join() {
        session.withLock { $0 = nil }
    }

    /// A name leads somewhere else now.
    func nameChanged(_ name: [UInt8], in directory: NodeID) {
        send { session in
            _ = (name + [0]).withUnsafeBytes {
                fuse_lowlevel_notify_inval_entry(
                    session, directory.kernelNumber, $0.baseAddress?.assumingMemoryBound(to: CChar.self), name.count)
            }
        }
    }

    /// The contents and attributes of an inode are not what the kernel thinks.
    func contentChanged(_ node: NodeID) {
        send { session in _ = fuse_lowlevel_notify_inval_inode(session, node.kernelNumber, 0, 0) }
    }

    func heard() async {
        await withUnsafeContinuation { continuation in queue.run { continuation.resume() } }
    }

    /// A failure means that the kernel had nothing cached, or is gone: either way nothing is left to tell.
    private func send(_ notify: @escaping @Sendable (OpaquePointer) -> Void) {
        queue.run { [self] in
            session.withLock { box in
                if let box, !self.isStopped.load(ordering: .acquiring) { notify(box.pointer) }
            }
        }
    }
}

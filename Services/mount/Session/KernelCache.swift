import CFUSE
import Filesystem

/// What the kernel has cached of a mount. Forgetting waits for locks that programs may hold. There is nothing to be
/// done about a failure: the kernel had nothing cached, or is gone.
package protocol KernelCache: Sendable {
    /// Where a name leads.
    func forget(_ name: [UInt8], in directory: NodeID)
    /// The contents and attributes of an inode.
    func forgetContent(of node: NodeID)
}

/// That of libfuse's session.
///
/// `@unchecked Sendable`: libfuse sends notifications from any thread; the session is freed only after
/// `KernelNotifications.join`.
struct SessionCache: KernelCache, @unchecked Sendable {
    let session: OpaquePointer

    func forget(_ name: [UInt8], in directory: NodeID) {
        _ = (name + [0]).withUnsafeBytes {
            fuse_lowlevel_notify_inval_entry(
                session, directory.kernelNumber, $0.baseAddress?.assumingMemoryBound(to: CChar.self), name.count)
        }
    }

    func forgetContent(of node: NodeID) {
        _ = fuse_lowlevel_notify_inval_inode(session, node.kernelNumber, 0, 0)
    }
}

import CFUSE
import EventLoop
import Filesystem
import Glibc

/// A mount point, and the requests that the kernel sends for it. Confined to the mount's loop.
final class FuseSession {
    /// Called once when the kernel has ended the session: somebody unmounted it.
    var onEnd: (() -> Void)?

    private let mount: Mount
    private let session: OpaquePointer
    private var poll: FileDescriptorPoll?
    private var buffer = fuse_buf()
    private var isMounted = true

    /// Requests handled before other callbacks of the loop get their turn.
    private static let requestsPerTurn = 64

    /// Mounts at `path`; requests are answered from the next turn of the loop on.
    init(_ mount: Mount, at path: String, options: [String]) throws(SystemError) {
        self.mount = mount
        session = try Self.makeSession(mount, options)
        guard fuse_session_mount(session, path) == 0 else {
            fuse_session_destroy(session)
            throw SystemError("mount at \(path)", code: errno == 0 ? EINVAL : errno)
        }
        mount.notifications.attach(session)
        poll = try FileDescriptorPoll(on: mount.filesystem.loop, descriptor: fuse_session_fd(session)) { [weak self] _ in
            self?.receive()
        }
        poll?.watch(.readable)
    }

    private static func makeSession(_ mount: Mount, _ options: [String]) throws(SystemError) -> OpaquePointer {
        var operations = FuseOperations.table()
        let words = ["sterna-mount", "-o", options.joined(separator: ",")]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        defer { for argument in arguments { free(argument) } }
        let made = arguments.withUnsafeMutableBufferPointer { pointers in
            var parsed = fuse_args(argc: Int32(pointers.count), argv: pointers.baseAddress, allocated: 0)
            defer { fuse_opt_free_args(&parsed) }
            // The mount outlives the session: whoever owns the session owns it, too.
            return fuse_session_new(
                &parsed, &operations, MemoryLayout<fuse_lowlevel_ops>.size, Unmanaged.passUnretained(mount).toOpaque())
        }
        guard let made else { throw SystemError("begin a FUSE session", code: EINVAL) }
        return made
    }

    private func receive() {
        for _ in 0..<Self.requestsPerTurn where isMounted {
            let received = fuse_session_receive_buf(session, &buffer)
            if received == -EAGAIN { return }
            if received == -EINTR { continue }
            guard received > 0 else { return end() }
            fuse_session_process_buf(session, &buffer)
            if fuse_session_exited(session) != 0 { return end() }
        }
    }

    private func end() {
        stopReceiving()
        let ended = onEnd
        onEnd = nil
        ended?()
    }

    private func stopReceiving() {
        poll?.close()
        poll = nil
    }

    /// Unmounts if that has not happened yet. The files that programs still have open answer ENOTCONN from now on.
    ///
    /// - Parameter isDetached: the mount point is free already, and may be somebody else's by now.
    func close(isDetached: Bool) {
        guard isMounted else { return }
        isMounted = false
        stopReceiving()
        onEnd = nil
        mount.notifications.stop()
        if !isDetached { fuse_session_unmount(session) }
        mount.notifications.join()
        fuse_session_destroy(session)
        free(buffer.mem)
    }
}

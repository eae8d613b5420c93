import CFUSE
import CLinux
import Daemon
import EventLoop
import Filesystem
import Glibc
import Metrics

/// A mount point, and the requests that the kernel sends for it. Confined to the mount's loop.
final class FuseSession {
    /// Called once when the kernel has ended the session: somebody unmounted it.
    var onEnd: (() -> Void)?

    private let mount: Mount
    private let path: String
    private let session: OpaquePointer
    private var requests: RequestCounters
    private var poll: FileDescriptorPoll?
    private var buffer = fuse_buf()
    private var isOpen = true
    /// The kernel has nothing more to say: it was unmounted, or aborted.
    private var hasEnded = false

    /// Requests handled before other callbacks of the loop get their turn.
    private static let requestsPerTurn = 64

    /// Mounts at `path`; requests are answered from the next turn of the loop on.
    init(_ mount: Mount, at path: String, _ options: KernelOptions, counters: Counters) throws(SystemError) {
        self.mount = mount
        self.path = path
        requests = RequestCounters(counters)
        session = try Self.makeSession(mount)
        do throws(SystemError) {
            try Self.connect(session, try FuseDevice.mount(at: path, options))
        } catch {
            fuse_session_destroy(session)
            throw error
        }
        mount.notifications.attach(SessionCache(session: session))
        do throws(SystemError) {
            try listen()
        } catch {
            close(isDetached: false)
            throw error
        }
    }

    private func listen() throws(SystemError) {
        poll = try FileDescriptorPoll(on: mount.loop, descriptor: fuse_session_fd(session)) { [weak self] _ in
            self?.receive()
        }
        poll?.watch(.readable)
    }

    /// What is mounted, and how, is not libfuse's business: it gets no options.
    private static func makeSession(_ mount: Mount) throws(SystemError) -> OpaquePointer {
        var operations = FuseOperations.table()
        var name: [CChar] = Array("sterna-mount".utf8CString)
        let made = name.withUnsafeMutableBufferPointer { name in
            var words: [UnsafeMutablePointer<CChar>?] = [name.baseAddress, nil]
            return words.withUnsafeMutableBufferPointer { words in
                var arguments = fuse_args(argc: 1, argv: words.baseAddress, allocated: 0)
                defer { fuse_opt_free_args(&arguments) }
                // The mount outlives the session: whoever owns the session owns it, too.
                return fuse_session_new(
                    &arguments, &operations, MemoryLayout<fuse_lowlevel_ops>.size,
                    Unmanaged.passUnretained(mount).toOpaque())
            }
        }
        guard let made else { throw SystemError("begin a FUSE session", code: EINVAL) }
        return made
    }

    /// From now on the session owns the descriptor.
    private static func connect(_ session: OpaquePointer, _ device: Int32) throws(SystemError) {
        var channel = fuse_custom_io()
        channel.read = { descriptor, buffer, count, _ in read(descriptor, buffer, count) }
        channel.writev = { descriptor, vectors, count, data in
            if let data, let vectors {
                let connection = Unmanaged<Mount>.fromOpaque(data).takeUnretainedValue().connection
                connection.amend(UnsafeMutableBufferPointer(start: vectors, count: Int(count)))
            }
            return writev(descriptor, vectors, count)
        }
        let code = fuse_session_custom_io(session, &channel, device)
        guard code == 0 else {
            Glibc.close(device)
            throw SystemError("begin a FUSE session", code: code)
        }
    }

    private func receive() {
        for _ in 0..<Self.requestsPerTurn where isOpen {
            let received = fuse_session_receive_buf(session, &buffer)
            if received == -EAGAIN { return }
            if received == -EINTR { continue }
            guard received > 0 else { return end() }
            prepare()
            fuse_session_process_buf(session, &buffer)
            if fuse_session_exited(session) != 0 { return end() }
        }
    }

    /// What has to be seen of a request before libfuse sees it.
    private func prepare() {
        let bytes = UnsafeMutableRawBufferPointer(start: buffer.mem, count: buffer.size)
        guard let request = KernelRequest(bytes) else { return }
        requests.count(request.kind)
        request.showKilling()
        if let flags = request.offeredFlags { mount.connection.note(flags, request: request.number) }
    }

    private func end() {
        hasEnded = true
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
        guard isOpen else { return }
        isOpen = false
        stopReceiving()
        onEnd = nil
        mount.notifications.stop()
        mount.notifications.join()
        // The descriptor goes first: unmounting might ask us something.
        fuse_session_destroy(session)
        free(buffer.mem)
        if !isDetached, !hasEnded { MountPoint.detachNow(path) }
    }
}

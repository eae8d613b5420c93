import CLinux
import CUV
import Glibc

/// Accepts TCP connections on one IPv4 address.
public final class TCPListener {
    public let localAddress: SocketAddress

    private let loop: EventLoop
    private let descriptor: Int32
    private let admission: (any ConnectionAdmission)?
    /// For connections to other machines.
    private let congestionControl: CongestionControl?
    private let poll: LoopHandle<uv_poll_t>
    private var onConnection: ((TCPConnection) -> Void)?
    private var onDescriptor: ((Int32, SocketAddress) -> Void)?
    private var isClosed = false

    /// How long nothing is accepted when there is no room or no descriptor: what waits stays readable, so polling on
    /// would spin.
    private static let pauseNanoseconds: UInt64 = 100_000_000

    /// Binds (port 0: the kernel picks one) and listens. `onConnection` gets each accepted connection, paused: it sets
    /// the connection's callbacks and calls `resumeReading()`.
    /// - Parameter admission: who may connect; without it everybody.
    public convenience init(
        on loop: EventLoop, binding address: SocketAddress, admission: (any ConnectionAdmission)? = nil,
        _ onConnection: @escaping (TCPConnection) -> Void
    ) throws(SystemError) {
        try self.init(on: loop, address, admission)
        self.onConnection = onConnection
    }

    /// As above for services that do their own input and output: `onDescriptor` gets each accepted socket,
    /// non-blocking, and owns it.
    public convenience init(
        on loop: EventLoop, binding address: SocketAddress, admission: (any ConnectionAdmission)? = nil,
        onDescriptor: @escaping (Int32, SocketAddress) -> Void
    ) throws(SystemError) {
        try self.init(on: loop, address, admission)
        self.onDescriptor = onDescriptor
    }

    private init(
        on loop: EventLoop, _ address: SocketAddress, _ admission: (any ConnectionAdmission)?
    ) throws(SystemError) {
        loop.assertOnLoop()
        self.loop = loop
        self.admission = admission
        let made = linux_socket_tcp()
        guard made >= 0 else { throw SystemError("create a TCP socket", code: made) }
        congestionControl = TCPTuning.beforeListening(made)
        do {
            try Self.bindAndListen(made, address)
            localAddress = try .ofSocket(made)
            poll = try LoopHandle(initialize: { uv_poll_init(loop.raw, $0, made) })
        } catch {
            Glibc.close(made)
            throw error
        }
        descriptor = made
        poll.retain(self)
        startPolling()
    }

    /// Accepts no more; connections live on. Idempotent.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        onConnection = nil
        onDescriptor = nil
        poll.close()
        Glibc.close(descriptor)
    }

    private static func bindAndListen(_ descriptor: Int32, _ address: SocketAddress) throws(SystemError) {
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard address.withSockaddr({ bind(descriptor, $0, $1) }) == 0 else { throw .last("bind TCP \(address)") }
        guard listen(descriptor, 1024) == 0 else { throw .last("listen on \(address)") }
    }

    private func startPolling() {
        guard !isClosed else { return }
        uv_poll_start(poll.raw, Int32(UV_READABLE.rawValue)) { raw, _, _ in
            loopHandleOwner(raw?.pointee.data, as: TCPListener.self)?.accept()
        }
    }

    private func pause() {
        uv_poll_stop(poll.raw)
        loop.timer(afterNanoseconds: Self.pauseNanoseconds) { [weak self] in self?.startPolling() }
    }

    private func accept() {
        for _ in 0..<64 {
            guard !isClosed else { return }
            if let admission, !admission.hasRoom { return pause() }
            var address: UInt32 = 0
            var port: UInt16 = 0
            let accepted = linux_accept(descriptor, &address, &port)
            guard accepted >= 0 else {
                guard canGoOn(after: -accepted) else { return }
                continue
            }
            let peer = SocketAddress(address: UInt32(bigEndian: address), port: UInt16(bigEndian: port))
            guard admission?.admit(peer) ?? true else {
                Glibc.close(accepted)
                continue
            }
            TCPTuning.afterAccepting(accepted, from: peer, system: congestionControl)
            hand(accepted, peer)
        }
    }

    private func hand(_ accepted: Int32, _ peer: SocketAddress) {
        if let onDescriptor { return onDescriptor(accepted, peer) }
        guard let onConnection, let connection = try? TCPConnection(on: loop, adopting: accepted, peer: peer) else {
            Glibc.close(accepted)
            return
        }
        onConnection(connection)
    }

    /// Whether to accept again at once.
    private func canGoOn(after code: Int32) -> Bool {
        switch code {
        case EAGAIN, ECONNABORTED, EINTR, EPROTO: return false
        case EMFILE, ENFILE:
            if admission?.freeDescriptor() == true { return true }
            pause()
            return false
        default:
            pause()
            return false
        }
    }
}

import CLinux
import CUV
import Glibc

/// Accepts TCP connections on one IPv4 address.
public final class TCPListener {
    public let localAddress: SocketAddress
    /// Connections beyond this many wait in the kernel's queue until one of those accepted here is closed.
    public let maximumConnections: Int
    public private(set) var openConnections = 0

    private let loop: EventLoop
    private let descriptor: Int32
    /// For connections to other machines.
    private let congestionControl: CongestionControl?
    private let poll: LoopHandle<uv_poll_t>
    private var onConnection: ((TCPConnection) -> Void)?
    private var onDescriptor: ((Int32, SocketAddress) -> Void)?
    private var isClosed = false

    /// Binds (port 0: the kernel picks one) and listens. `onConnection` gets each accepted connection, paused: it sets
    /// the connection's callbacks and calls `resumeReading()`.
    public convenience init(
        on loop: EventLoop, binding address: SocketAddress, maximumConnections: Int = 4000,
        _ onConnection: @escaping (TCPConnection) -> Void
    ) throws(SystemError) {
        try self.init(on: loop, binding: address, maximumConnections: maximumConnections)
        self.onConnection = onConnection
    }

    /// As above for services that do their own input and output: `onDescriptor` gets each accepted socket,
    /// non-blocking, and owns it; after closing it, it calls `descriptorClosed()`.
    public convenience init(
        on loop: EventLoop, binding address: SocketAddress, maximumConnections: Int = 4000,
        onDescriptor: @escaping (Int32, SocketAddress) -> Void
    ) throws(SystemError) {
        try self.init(on: loop, binding: address, maximumConnections: maximumConnections)
        self.onDescriptor = onDescriptor
    }

    private init(on loop: EventLoop, binding address: SocketAddress, maximumConnections: Int) throws(SystemError) {
        loop.assertOnLoop()
        self.loop = loop
        self.maximumConnections = maximumConnections
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

    private func accept() {
        for _ in 0..<64 {
            guard !isClosed else { return }
            guard openConnections < maximumConnections else {
                uv_poll_stop(poll.raw)
                return
            }
            var address: UInt32 = 0
            var port: UInt16 = 0
            let accepted = linux_accept(descriptor, &address, &port)
            guard accepted >= 0 else { return acceptFailed(-accepted) }
            let peer = SocketAddress(address: UInt32(bigEndian: address), port: UInt16(bigEndian: port))
            TCPTuning.afterAccepting(accepted, from: peer, system: congestionControl)
            if let onDescriptor {
                openConnections += 1
                onDescriptor(accepted, peer)
                continue
            }
            guard let onConnection, let connection = try? TCPConnection(on: loop, adopting: accepted, peer: peer) else {
                Glibc.close(accepted)
                continue
            }
            openConnections += 1
            connection.onClosed = { [weak self] in self?.descriptorClosed() }
            onConnection(connection)
        }
    }

    private func acceptFailed(_ code: Int32) {
        switch code {
        case EAGAIN, ECONNABORTED, EINTR, EPROTO: return
        default:
            // Out of descriptors or memory: the connection stays in the queue, so polling would spin.
            uv_poll_stop(poll.raw)
            loop.timer(afterNanoseconds: 100_000_000) { [weak self] in self?.startPolling() }
        }
    }

    /// A socket that `onDescriptor` was given is closed.
    public func descriptorClosed() {
        let wasFull = openConnections == maximumConnections
        openConnections -= 1
        if wasFull { startPolling() }
    }
}


import CLinux
import CUV
import Glibc

/// One TCP connection, non-blocking, on one loop.
///
/// Set `onData` and `onEnd`, then call `resumeReading()`. Sends of one turn of the loop are gathered into few system
/// calls. The loop keeps the connection alive until `close()`, which every owner must call; after it no callback comes
/// any more, except the completions of unfinished sends, which fail with ECANCELED.
public final class TCPConnection {
    /// Why nothing more will be received.
    public enum End: Sendable {
        /// The peer has finished sending, in good order. We may still send.
        case finished
        /// The connection is broken; nothing can be sent either.
        case failed(SystemError)
    }

    public let peer: SocketAddress
    /// Received bytes, in order; valid until it returns.
    public var onData: ((UnsafeRawBufferPointer) -> Void)?
    /// At most once. The owner still has to `close()`.
    public var onEnd: ((End) -> Void)?

    let loop: EventLoop
    let descriptor: Int32
    private let poll: LoopHandle<uv_poll_t>
    private var watched: Int32 = 0

    /// No descriptor any more.
    public private(set) var isClosed = false
    private var isPaused = true
    private var hasEnded = false
    private var isDisconnectSeen = false
    private var fill: Fill?

    var outgoing = OutgoingQueue()
    var isTurnEndPending = false
    var awaitsRoom = false
    var finishesAfterOutgoing = false
    var closesAfterOutgoing = false

    /// A caller's buffer that is to be filled before `onData` sees any more.
    private struct Fill {
        let buffer: UnsafeMutableRawBufferPointer
        var filled = 0
        let completion: () -> Void
    }

    /// Takes over a connected, non-blocking socket.
    init(on loop: EventLoop, adopting descriptor: Int32, peer: SocketAddress) throws(SystemError) {
        loop.assertOnLoop()
        self.loop = loop
        self.descriptor = descriptor
        self.peer = peer
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &yes, socklen_t(MemoryLayout<Int32>.size))
        poll = try LoopHandle(initialize: { uv_poll_init(loop.raw, $0, descriptor) })
        poll.retain(self)
        updateWatch()
    }

    /// Stops at once: what is not sent yet is lost. Idempotent.
    public func close() {
        guard !isClosed else { return }
        isClosed = true
        poll.close()
        Glibc.close(descriptor)
        onData = nil
        onEnd = nil
        fill = nil
        cancelOutgoing(SystemError("send to \(peer)", code: ECANCELED))
    }

    /// Closes without taking leave: the peer sees a reset. For a peer that broke the protocol.
    public func abort() {
        guard !isClosed else { return }
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    // MARK: Watching

    /// Watches exactly what can make progress. Even a paused connection notices when the peer breaks it.
    func updateWatch() {
        guard !isClosed else { return }
        var wanted: Int32 = 0
        if !hasEnded {
            // A paused connection still notices a broken peer. An orderly end it hears of once; more would never stop.
            if !isPaused { wanted |= Int32(UV_READABLE.rawValue) }
            if isPaused, !isDisconnectSeen { wanted |= Int32(UV_DISCONNECT.rawValue) }
        }
        if awaitsRoom { wanted |= Int32(UV_WRITABLE.rawValue) }
        guard wanted != watched else { return }
        watched = wanted
        guard wanted != 0 else {
            uv_poll_stop(poll.raw)
            return
        }
        uv_poll_start(poll.raw, wanted) { raw, status, events in
            guard let connection = loopHandleOwner(raw?.pointee.data, as: TCPConnection.self) else { return }
            connection.ready(status: status, events: events)
        }
    }

    private func ready(status: Int32, events: Int32) {
        if status < 0 {
            watched = 0
            return fail(pendingError())
        }
        if events & Int32(UV_WRITABLE.rawValue) != 0 {
            awaitsRoom = false
            sendOutgoing()
        }
        if events & Int32(UV_DISCONNECT.rawValue) != 0 { isDisconnectSeen = true }
        if events & Int32(UV_READABLE.rawValue) != 0 { receive() }
        updateWatch()
    }

    private func pendingError() -> SystemError {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        return SystemError("connection with \(peer)", code: code == 0 ? ECONNRESET : code)
    }

    /// The connection is broken: tells the owner, once.
    func fail(_ error: SystemError) {
        guard !isClosed else { return }
        awaitsRoom = false
        cancelOutgoing(error)
        end(.failed(error))
        if closesAfterOutgoing { close() }
    }

    private func cancelOutgoing(_ error: SystemError) {
        for completion in outgoing.cancelAll() { completion(error) }
    }

    private func end(_ end: End) {
        guard !hasEnded, !isClosed else { return }
        hasEnded = true
        fill = nil
        updateWatch()
        onEnd?(end)
    }
}

// MARK: - Receiving

extension TCPConnection {
    /// No more `onData` until `resumeReading()`: the kernel's window closes and the peer has to wait.
    public func pauseReading() {
        isPaused = true
        updateWatch()
    }

    public func resumeReading() {
        isPaused = false
        updateWatch()
    }

    /// The next `buffer.count` bytes go straight into `buffer`, which must stay valid until `completion` or `close()`;
    /// then `onData` gets what follows. When the connection ends before, only `onEnd` is called.
    public func receive(into buffer: UnsafeMutableRawBufferPointer, _ completion: @escaping () -> Void) {
        precondition(fill == nil, "one receive(into:) at a time")
        guard !buffer.isEmpty else { return completion() }
        fill = Fill(buffer: buffer, completion: completion)
    }

    private func receive() {
        // Some, then the other connections of the loop get their turn.
        for _ in 0..<8 where !isPaused && !hasEnded && !isClosed {
            let wasFill = fill != nil
            let room = fill.map { UnsafeMutableRawBufferPointer(rebasing: $0.buffer[$0.filled...]) }
                ?? loop.streamScratch.bytes
            let count = read(descriptor, room.baseAddress, room.count)
            if count < 0 {
                if errno == EAGAIN { return }
                if errno == EINTR { continue }
                return fail(.last("receive from \(peer)"))
            }
            if count == 0 { return end(.finished) }
            if wasFill { filled(count) } else { onData?(UnsafeRawBufferPointer(rebasing: room[..<count])) }
            if count < room.count { return }
        }
    }

    private func filled(_ count: Int) {
        guard var current = fill else { return }
        current.filled += count
        guard current.filled == current.buffer.count else {
            fill = current
            return
        }
        fill = nil
        current.completion()
    }
}

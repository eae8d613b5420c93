import CLinux
import Glibc

extension TCPConnection {
    /// Bytes accepted for sending that the kernel has not taken yet: stop producing when this is high, go on from a
    /// completion.
    public var unsentBytes: Int { outgoing.unsentBytes }

    /// Sends a copy of `bytes`.
    public func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { write(copying: $0) }
    }

    /// Sends a copy of `bytes`.
    public func write(copying bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        send(.copy(of: bytes), nil)
    }

    /// Sends `bytes` from where they are; they must stay valid until `completion`, which tells whether the kernel took
    /// all of them. It is always called exactly once, possibly before this returns.
    public func write(_ bytes: UnsafeRawBufferPointer, _ completion: @escaping (SystemError?) -> Void) {
        send(.borrowed(bytes), completion)
    }

    /// Sends `count` bytes of an open file from `offset` without copying them through this process. The descriptor
    /// stays the caller's and must stay open until `completion`. A file that is too short fails with EIO and breaks the
    /// connection.
    public func sendFile(
        _ file: Int32, offset: Int64, count: Int, _ completion: @escaping (SystemError?) -> Void
    ) {
        send(.file(descriptor: file, offset: offset, count: count), completion)
    }

    /// Tells the peer, after everything queued, that nothing more comes. Receiving goes on.
    public func finishWriting() {
        guard !isClosed else { return }
        finishesAfterOutgoing = true
        scheduleSending()
    }

    /// Closes once everything queued has been handed to the kernel (or cannot be).
    public func closeAfterWriting() {
        guard !isClosed else { return }
        closesAfterOutgoing = true
        pauseReading()
        scheduleSending()
    }

    private func send(_ chunk: OutgoingChunk, _ completion: ((SystemError?) -> Void)?) {
        loop.assertOnLoop()
        guard !isClosed, !finishesAfterOutgoing, !closesAfterOutgoing else {
            completion?(SystemError("send to \(peer)", code: EPIPE))
            return
        }
        outgoing.append(chunk, completion)
        scheduleSending()
    }

    private func scheduleSending() {
        guard !isTurnEndPending, !awaitsRoom else { return }
        isTurnEndPending = true
        loop.atTurnEnd(self)
    }

    /// Hands the kernel as much as it takes.
    func sendOutgoing() {
        while !isClosed, !outgoing.isEmpty {
            let sent = outgoing.sendFirst(to: descriptor)
            if sent >= 0 {
                for completion in outgoing.advance(by: sent) { completion(nil) }
                continue
            }
            let code = Int32(-sent)
            if code == EINTR { continue }
            if code == EAGAIN {
                awaitsRoom = true
                return updateWatch()
            }
            return fail(SystemError("send to \(peer)", code: code))
        }
        guard !isClosed else { return }
        if closesAfterOutgoing { return close() }
        if finishesAfterOutgoing { shutdown(descriptor, Int32(SHUT_WR)) }
    }
}

extension TCPConnection: TurnEnding {
    func turnEnded() {
        isTurnEndPending = false
        guard !awaitsRoom else { return }
        sendOutgoing()
    }
}

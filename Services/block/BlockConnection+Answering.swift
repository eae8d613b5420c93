import EventLoop
import Glibc
import Protocol

// How a request ends, and what is left of it on the stream.
extension BlockConnection {
    /// For dropping all data of a refused request, and not longer than those may take that are wanted.
    private static let dropTimeoutNanoseconds: UInt64 = 30_000_000_000
    /// For the peer to take the last answer and close.
    private static let lingerNanoseconds: UInt64 = 2_000_000_000

    /// Answers an error after `unread` bytes that belong to the request were dropped.
    func refuse(_ error: ProtocolError, unread: Int = 0) {
        server.refusals.add()
        server.logger.debug("\(peer): \(error)")
        let answer = Answers.failure(error)
        let left = unread - takeInput(atMost: unread).count
        guard left > 0 else { return send(answer, closes: false) }
        let patience = min(Self.dropTimeoutNanoseconds, server.settings.inputPatience(byteCount: left))
        deadline = server.loop.monotonicNanoseconds &+ patience
        drop(left, then: answer)
    }

    func drop(_ remaining: Int, then answer: [UInt8]) {
        let dropped = StreamDrain.drain(socket, atMost: remaining)
        guard dropped.count < remaining else { return send(answer, closes: false) }
        guard !dropped.isEnded else { return close() }
        state = .dropping(remaining - dropped.count, then: answer)
        watch(.readable)
    }

    func send(_ bytes: [UInt8], closes: Bool) {
        bytes.withUnsafeBytes { send($0, closes: closes) }
    }

    /// Sends an answer; what the socket does not take now is copied and sent later.
    func send(_ bytes: UnsafeRawBufferPointer, closes: Bool = false) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.send(socket, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count, 0)
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                state = .sending(Array(rest), closes: closes)
                return watch(.writable)
            } else if errno != EINTR {
                return close()
            }
        }
        if closes { startLingering() } else { nextRequest() }
    }

    /// Handles what has come already or waits for the next request. Not recursive: called in a turn of `processInput`
    /// it only sets the state.
    func nextRequest() {
        let wasInHeader = if case .header = state { true } else { false }
        state = .header
        if server.isEnding { return close() }
        if !wasInHeader { processInput() }
    }

    private func startLingering() {
        shutdown(socket, Int32(SHUT_WR))
        state = .lingering
        deadline = server.loop.monotonicNanoseconds &+ Self.lingerNanoseconds
        linger()
    }

    func linger() {
        let isEnded = StreamDrain.drain(socket, atMost: .max).isEnded
        if isEnded || server.loop.monotonicNanoseconds > deadline { close() } else { watch(.readable) }
    }
}

import DequeModule
import EventLoop
import Glibc
import Protocol

/// A TCP connection to a block server with any number of requests under way (wire-protocol.md 5).
///
/// Works on the bare socket: a write gathers its cells where they lie, and an answer's pages are scattered to where
/// they are wanted, with their checksums aside, so that no byte of data is copied between the kernel and its
/// destination. Confined to its loop.
final class BlockConnection {
    enum State { case connecting, open, closed }

    let loop: EventLoop
    let address: SocketAddress
    private(set) var state = State.connecting
    /// Requests in order; the answers come in the same order.
    private(set) var operations = Deque<BlockOperation>()
    /// Bytes of requests not yet given to the kernel.
    private(set) var unsentBytes = 0
    private(set) var lastProgressNanoseconds: UInt64
    /// Answers received since the connection was made.
    private(set) var answers = 0
    /// The last answer was an error.
    private var lastWasError = false
    /// The server closed it, and its last word was an error.
    private(set) var endedWithError = false
    /// Whether the server is known to close with errors.
    private let closesWithErrors: Bool
    /// Whether nothing new should be submitted, because the server is about to close.
    var isEnding: Bool { lastWasError && closesWithErrors }
    /// Nobody listened at the address.
    private(set) var wasRefused = false

    private let descriptor: Int32
    private var poll: FileDescriptorPoll?
    /// Whether writable is watched for.
    private var isAwaitingRoom = true
    private var sender = RequestSender()
    private var receiver = AnswerReceiver()
    /// Called once with the requests that were not answered.
    private let onClose: (BlockConnection, Deque<BlockOperation>, _ reason: String) -> Void

    /// Begins to connect.
    init(
        loop: EventLoop, address: SocketAddress, closesWithErrors: Bool,
        onClose: @escaping (BlockConnection, Deque<BlockOperation>, _ reason: String) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.address = address
        self.closesWithErrors = closesWithErrors
        self.onClose = onClose
        lastProgressNanoseconds = loop.monotonicNanoseconds
        descriptor = try StreamSocket.connecting(to: address)
        do {
            // Closed by `close`, which everyone who drops a connection calls first.
            poll = try FileDescriptorPoll(on: loop, descriptor: descriptor) { [unowned self] events in
                self.ready(events)
            }
            poll?.watch([.readable, .writable])
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    func submit(_ operation: BlockOperation) {
        if operations.isEmpty { lastProgressNanoseconds = loop.monotonicNanoseconds }
        operation.answersBefore = answers
        operations.append(operation)
        unsentBytes += operation.requestBytes
        guard state == .open, operations.count - sender.sentOperations == 1 else { return }
        send()
    }

    /// Ends the connection; whatever was under way fails.
    func close(_ reason: String) {
        guard state != .closed else { return }
        state = .closed
        poll?.close()
        poll = nil
        Glibc.close(descriptor)
        let left = operations
        operations = []
        onClose(self, left, reason)
    }

    // MARK: Events

    private func ready(_ events: FileDescriptorPoll.Events) {
        if state == .connecting || events.contains(.failed) {
            guard !events.isDisjoint(with: [.writable, .failed]) else { return }
            let code = StreamSocket.pendingError(descriptor)
            wasRefused = state == .connecting && code == ECONNREFUSED
            guard code == 0 else { return brokenOff("\(address): \(SystemError.message(forCode: code))") }
            state = .open
            lastProgressNanoseconds = loop.monotonicNanoseconds
        }
        if events.contains(.writable) { send() }
        if state == .open, events.contains(.readable) { receive() }
    }

    private func send() {
        let awaitsAnswer = sender.sentOperations > 0
        switch sender.send(operations, on: descriptor) {
        case .sent(let bytes, let isDone):
            // That further requests go out says nothing about the answer that is due.
            if bytes > 0, !awaitsAnswer { lastProgressNanoseconds = loop.monotonicNanoseconds }
            unsentBytes -= bytes
            wantWritable(!isDone)
        case .failed(let code):
            brokenOff("send: \(SystemError.message(forCode: code))")
        }
    }

    /// The connection is gone. What the server answered before is still to be read, and tells more than that.
    private func brokenOff(_ reason: String) {
        if state == .open { receive(rounds: .max) }
        endedByServer(reason)
    }

    private func endedByServer(_ reason: String) {
        endedWithError = lastWasError
        close(reason)
    }

    private func wantWritable(_ wanted: Bool) {
        guard wanted != isAwaitingRoom else { return }
        isAwaitingRoom = wanted
        poll?.watch(wanted ? [.readable, .writable] : [.readable])
    }

    /// - Parameter rounds: only a few, so that one fast peer does not keep the loop for itself.
    private func receive(rounds: Int = 8) {
        for _ in 0..<rounds {
            guard state == .open else { return }
            switch receiver.receive(for: operations.first, on: descriptor) {
            case .more:
                lastProgressNanoseconds = loop.monotonicNanoseconds
            case .blocked:
                return
            case .answered(let result):
                lastProgressNanoseconds = loop.monotonicNanoseconds
                finishFirst(result)
                // Nothing more is expected; an end of the stream announces itself.
                if operations.isEmpty { return }
            case .ended(let reason):
                return endedByServer(reason)
            }
        }
    }

    private func finishFirst(_ result: Result<MAC?, ClientError>) {
        guard let operation = operations.popFirst() else { return }
        answers += 1
        lastWasError = if case .failure(let error) = result { error.code != nil } else { false }
        if sender.sentOperations == 0 {
            // Answered before it was sent, so with an error; what follows on the stream cannot be understood by the
            // server.
            operation.complete(result)
            return endedByServer("the server refused a request before it was sent")
        }
        sender.forgetFirst()
        operation.complete(result)
        if isEnding, operations.isEmpty { close("the server closes with errors") }
    }
}

import EventLoop
import Protocol

/// One connection to a registry: a request goes out, a frame comes back.
final class RegistryExchange {
    /// A response frame: its kind byte (0 = error) and body.
    struct Reply {
        var kind: UInt8
        var body: [UInt8]
    }

    /// Longer answers are not believed. The longest legal one lists 65,535 block services in some 22 MB.
    private static let maximumResponseLength = 64 << 20

    private let connection: any StreamConnection
    private var onLost: ((String) -> Void)?
    private var onReply: ((Result<Reply, RegistryCallError>) -> Void)?
    private var received: [UInt8] = []

    /// - Parameter onLost: the connection ended; not called when an answer was refused as malformed.
    init(_ connection: any StreamConnection, onLost: @escaping (String) -> Void) {
        self.connection = connection
        self.onLost = onLost
        connection.onData = { [weak self] in self?.receive($0) }
        connection.onEnd = { [weak self] in self?.end($0) }
        connection.resumeReading()
    }

    /// Whether a request is on its way.
    var isBusy: Bool { onReply != nil }

    func send(_ frame: [UInt8], _ onReply: @escaping (Result<Reply, RegistryCallError>) -> Void) {
        precondition(!isBusy, "one request at a time")
        self.onReply = onReply
        connection.write(frame)
    }

    /// No more callbacks.
    func close() {
        onLost = nil
        onReply = nil
        connection.close()
    }

    private func receive(_ bytes: UnsafeRawBufferPointer) {
        guard isBusy else { return lose("it sent something unasked") }
        received.append(contentsOf: bytes)
        do throws(DecodeError) {
            guard let (reply, size) = try Self.firstReply(in: received) else { return }
            guard received.count == size else { throw .surplus }
            received.removeAll(keepingCapacity: size < 4096)
            self.reply(.success(reply))
        } catch {
            reply(.failure(.malformed))
        }
    }

    private static func firstReply(in bytes: [UInt8]) throws(DecodeError) -> (Reply, size: Int)? {
        let result = bytes.withUnsafeBytes { (raw) -> Result<(Reply, size: Int)?, DecodeError> in
            do throws(DecodeError) {
                let frame = try RegistryFrame(raw, expecting: .registryResponse, limit: maximumResponseLength)
                return .success(frame.map { (Reply(kind: $0.kind, body: [UInt8]($0.body)), $0.size) })
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func reply(_ result: Result<Reply, RegistryCallError>) {
        let onReply = onReply
        self.onReply = nil
        onReply?(result)
    }

    private func end(_ end: TCPConnection.End) {
        switch end {
        case .finished: lose("the registry closed the connection without an answer")
        case .failed(let error): lose(error.description)
        }
    }

    private func lose(_ reason: String) {
        let onLost = onLost
        self.onLost = nil
        onLost?(reason)
    }
}

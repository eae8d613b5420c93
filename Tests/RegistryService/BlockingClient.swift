import EventLoop
import Protocol
import TestSupport
import Wire

/// A registry connection that blocks, for at most ten seconds at a time, and can send anything.
final class BlockingClient {
    private let socket: TestSocket

    init(_ address: SocketAddress) throws { socket = try TestSocket.connected(port: address.port) }

    func send(_ bytes: [UInt8]) throws { try socket.send(bytes) }

    func send<Request: RegistryRPC>(_ request: Request) throws {
        try send(RegistryFrame.encoded(.registryRequest, kind: Request.kind.rawValue, body: request))
    }

    func call<Request: RegistryRPC>(_ request: Request) throws -> Request.Response {
        try send(request)
        return try answer(to: Request.self)
    }

    func answer<Request: RegistryRPC>(to request: Request.Type) throws -> Request.Response {
        let prefix = try socket.receive(RegistryFrame.prefixSize)
        let length = prefix.withUnsafeBytes { UInt32(loading: $0.baseAddress! + 4) }
        let frame = try socket.receive(Int(length))
        guard frame.first != 0 else { throw try ProtocolError(decoding: Array(frame.dropFirst())) }
        guard frame.first == Request.kind.rawValue else { throw TestFailure("an answer to something else") }
        return try Request.Response(decoding: Array(frame.dropFirst()))
    }

    /// Whether the server closes without having said anything; false also when it says nothing for so many seconds.
    func isHungUp(within seconds: Int = 60) -> Bool {
        socket.wait(atMost: seconds)
        return socket.isClosedByPeer()
    }
}

import EventLoop
import Glibc
import Protocol
import Wire

/// A registry connection that blocks, for at most ten seconds at a time, and can send anything.
final class BlockingClient {
    private let descriptor: Int32

    init(_ address: SocketAddress) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("no socket") }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var raw = sockaddr_in()
        raw.sin_family = sa_family_t(AF_INET)
        raw.sin_port = address.port.bigEndian
        raw.sin_addr = in_addr(s_addr: address.address.bigEndian)
        let status = withUnsafePointer(to: &raw) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw TestFailure("cannot connect") }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw TestFailure("cannot send") }
            rest = rest.dropFirst(count)
        }
    }

    func send<Request: RegistryRPC>(_ request: Request) throws {
        try send(RegistryFrame.encoded(.registryRequest, kind: Request.kind.rawValue, body: request))
    }

    func call<Request: RegistryRPC>(_ request: Request) throws -> Request.Response {
        try send(request)
        return try answer(to: Request.self)
    }

    func answer<Request: RegistryRPC>(to request: Request.Type) throws -> Request.Response {
        let prefix = try receive(RegistryFrame.prefixSize)
        let length = prefix.withUnsafeBytes { UInt32(loading: $0.baseAddress! + 4) }
        let frame = try receive(Int(length))
        guard frame.first != 0 else { throw try ProtocolError(decoding: Array(frame.dropFirst())) }
        guard frame.first == Request.kind.rawValue else { throw TestFailure("an answer to something else") }
        return try Request.Response(decoding: Array(frame.dropFirst()))
    }

    /// Whether the server closes without having said anything; false also when it says nothing for so many seconds.
    func isHungUp(within seconds: Int = 60) -> Bool {
        var patience = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, 0)
        return count == 0 || (count < 0 && errno == ECONNRESET)
    }

    private func receive(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let received = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + done, count - done, 0) }
            guard received > 0 else { throw TestFailure("the registry hung up") }
            done += received
        }
        return bytes
    }
}

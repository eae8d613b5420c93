import Glibc

struct SocketError: Error, CustomStringConvertible {
    let description: String
}

/// A blocking TCP socket whose every call ends within ten seconds.
final class TestSocket: @unchecked Sendable {
    // `@unchecked Sendable`: holds only a descriptor, which any thread may use.
    let descriptor: Int32

    init(owning descriptor: Int32) {
        self.descriptor = descriptor
        var time = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    static func address(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    static func connected(port: UInt16) throws -> TestSocket {
        let made = TestSocket(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
        var address = address(port: port)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(made.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw SocketError(description: "connect: \(errno)") }
        return made
    }

    func send(_ bytes: some Collection<UInt8>) throws {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw SocketError(description: "send: \(errno)") }
            sent += count
        }
    }

    /// Exactly `count` bytes.
    func receive(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var received = 0
        while received < count {
            let read = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress.map { $0 + received }, count - received, 0)
            }
            // With a time limit it does not go on by itself after a signal (of a child that ended, for instance).
            if read < 0, errno == EINTR { continue }
            guard read > 0 else {
                throw SocketError(description: read == 0 ? "closed after \(received) of \(count)" : "recv: \(errno)")
            }
            received += read
        }
        return bytes
    }

    /// Whether the peer closes now, having sent nothing more.
    func isClosedByPeer() -> Bool {
        var byte: UInt8 = 0
        var count = 0
        repeat { count = recv(descriptor, &byte, 1, 0) } while count < 0 && errno == EINTR
        return count == 0 || (count < 0 && errno == ECONNRESET)
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }
}

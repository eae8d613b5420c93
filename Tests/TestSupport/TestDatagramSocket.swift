import Glibc

/// A blocking UDP socket on this machine.
package final class TestDatagramSocket: Sendable {
    private let descriptor: Int32
    /// Where others reach it.
    package let port: UInt16

    /// - Parameters:
    ///   - port: its own; 0: the system chooses.
    ///   - peer: the port that it sends to, and the only one that it hears; nil: it hears all, and cannot send.
    /// - Throws: `POSIXFailure`, also when somebody else has the port.
    package init(port: UInt16 = 0, peer: UInt16? = nil) throws {
        let made = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard made >= 0 else { throw POSIXFailure("make a socket") }
        do {
            var own = sockaddr_in(loopbackPort: port)
            guard own.withPointer({ bind(made, $0, $1) }) == 0 else { throw POSIXFailure("bind") }
            if var other = peer.map({ sockaddr_in(loopbackPort: $0) }) {
                guard other.withPointer({ connect(made, $0, $1) }) == 0 else { throw POSIXFailure("connect") }
            }
            self.port = try sockaddr_in(ownOf: made).sin_port.bigEndian
        } catch {
            close(made)
            throw error
        }
        descriptor = made
    }

    deinit { close(descriptor) }

    package func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, 0) }

    /// The next datagram, nil when none comes in time.
    package func receive(timeoutMilliseconds: Int32) -> [UInt8]? {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard Glibc.poll(&poll, 1, timeoutMilliseconds) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 9000)
        let count = recv(descriptor, &bytes, bytes.count, 0)
        return count >= 0 ? Array(bytes[..<count]) : nil
    }
}

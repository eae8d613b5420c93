import Glibc

/// A blocking TCP socket on this machine, whose every call ends within ten seconds unless something else is said.
package final class TestSocket: @unchecked Sendable {
    // `@unchecked Sendable`: holds only a descriptor, which any thread may use.
    package let descriptor: Int32

    /// - Parameter patienceSeconds: how long a call may take; 0: as long as it likes.
    package init(owning descriptor: Int32, patienceSeconds: Int = 10) {
        self.descriptor = descriptor
        wait(atMost: patienceSeconds)
    }

    /// How long a call may take from now on.
    package func wait(atMost seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    private static func make() throws -> TestSocket {
        let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard made >= 0 else { throw POSIXFailure("make a socket") }
        return TestSocket(owning: made)
    }

    /// One that waits for connections at a port that the system chooses.
    package static func listening() throws -> (socket: TestSocket, port: UInt16) {
        let made = try make()
        made.wait(atMost: 0)
        var address = sockaddr_in(loopbackPort: 0)
        guard address.withPointer({ bind(made.descriptor, $0, $1) }) == 0, listen(made.descriptor, 64) == 0 else {
            throw POSIXFailure("listen")
        }
        return (made, try sockaddr_in(ownOf: made.descriptor).sin_port.bigEndian)
    }

    /// The next connection to one that listens; nil when it does not listen any more.
    package func accepted(patienceSeconds: Int = 10) -> TestSocket? {
        let descriptor = accept(descriptor, nil, nil)
        return descriptor >= 0 ? TestSocket(owning: descriptor, patienceSeconds: patienceSeconds) : nil
    }

    /// Lets go of whoever waits.
    package func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    package static func connected(port: UInt16) throws -> TestSocket {
        let made = try make()
        var address = sockaddr_in(loopbackPort: port)
        guard address.withPointer({ connect(made.descriptor, $0, $1) }) == 0 else { throw POSIXFailure("connect") }
        return made
    }

    package func send(_ bytes: some Collection<UInt8>) throws {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw POSIXFailure("send") }
            sent += count
        }
    }

    /// Exactly `count` bytes.
    package func receive(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var received = 0
        while received < count {
            let read = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress.map { $0 + received }, count - received, 0)
            }
            // With a time limit it does not go on by itself after a signal (of a child that ended, for instance).
            if read < 0, errno == EINTR { continue }
            guard read > 0 else {
                if read < 0 { throw POSIXFailure("receive") }
                throw TestFailure("closed after \(received) of \(count)")
            }
            received += read
        }
        return bytes
    }

    /// Whether the peer closes now, having sent nothing more.
    package func isClosedByPeer() -> Bool {
        var byte: UInt8 = 0
        var count = 0
        repeat { count = recv(descriptor, &byte, 1, 0) } while count < 0 && errno == EINTR
        return count == 0 || (count < 0 && errno == ECONNRESET)
    }

    package func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }
}

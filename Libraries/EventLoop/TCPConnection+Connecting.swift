import CLinux
import Glibc

extension TCPConnection {
    /// Connects to `address`. `completion` comes later, exactly once, on the loop; the connection is paused.
    public static func connect(
        to address: SocketAddress, on loop: EventLoop, timeoutNanoseconds: UInt64 = 4_000_000_000,
        _ completion: @escaping (Result<TCPConnection, SystemError>) -> Void
    ) {
        loop.assertOnLoop()
        let attempt = ConnectAttempt(address, loop, completion)
        attempt.start(timeoutNanoseconds: timeoutNanoseconds)
    }
}

/// A connection being made. Kept alive by its poll and timer until it is finished.
private final class ConnectAttempt {
    private let address: SocketAddress
    private let loop: EventLoop
    private var completion: ((Result<TCPConnection, SystemError>) -> Void)?
    private var descriptor: Int32 = -1
    private var poll: FileDescriptorPoll?
    private var timer: LoopTimer?

    init(
        _ address: SocketAddress, _ loop: EventLoop,
        _ completion: @escaping (Result<TCPConnection, SystemError>) -> Void
    ) {
        self.address = address
        self.loop = loop
        self.completion = completion
    }

    func start(timeoutNanoseconds: UInt64) {
        // Also what keeps the completion from running before connect() returns.
        timer = loop.timer(afterNanoseconds: timeoutNanoseconds) { self.finish(ETIMEDOUT) }
        descriptor = linux_socket_tcp()
        guard descriptor >= 0 else { return failSoon(-descriptor) }
        TCPTuning.beforeConnecting(descriptor, to: address)
        let failed = address.withSockaddr { Glibc.connect(descriptor, $0, $1) } != 0
        if failed, errno != EINPROGRESS { return failSoon(errno) }
        do {
            poll = try FileDescriptorPoll(on: loop, descriptor: descriptor) { _ in self.finish(self.socketError()) }
            poll?.watch(.writable)
        } catch {
            failSoon(error.code)
        }
    }

    private func failSoon(_ code: Int32) {
        timer?.cancel()
        timer = loop.timer(afterNanoseconds: 0) { self.finish(code) }
    }

    private func socketError() -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 ? code : errno
    }

    private func finish(_ code: Int32) {
        guard let completion else { return }
        self.completion = nil
        timer?.cancel()
        timer = nil
        poll?.close()
        poll = nil
        completion(result(code))
    }

    private func result(_ code: Int32) -> Result<TCPConnection, SystemError> {
        guard code == 0 else {
            if descriptor >= 0 { close(descriptor) }
            return .failure(SystemError("connect to \(address)", code: code))
        }
        do {
            return .success(try TCPConnection(on: loop, adopting: descriptor, peer: address))
        } catch {
            close(descriptor)
            return .failure(error)
        }
    }
}

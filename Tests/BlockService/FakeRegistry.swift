import Foundation
import Glibc
import Protocol
import Synchronization
import Wire

/// As much of a registry as a block service needs: answers what is known and remembers what registers. Runs on its own
/// threads.
final class FakeRegistry: Sendable {
    let port: UInt16
    private let listener: Int32
    private let known: [BlockServiceDeprecatedInfo]
    private let registered = Mutex<[RegisterBlockServiceInfo]>([])
    private let decommissioned = Mutex<[BlockServiceID]>([])
    private let isClosed = Mutex(false)

    /// `known` is what it knows already.
    init(knowing known: [BlockServiceDeprecatedInfo] = []) throws {
        self.known = known
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = TestSocket.address(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> Int32 in
                guard bind(listener, pointer, length) == 0, listen(listener, 16) == 0 else { return -1 }
                return getsockname(listener, pointer, &length)
            }
        }
        guard result == 0 else { throw SocketError(description: "fake registry: \(errno)") }
        self.listener = listener
        port = address.sin_port.bigEndian
        Thread.detachNewThread { [self] in
            while true {
                let accepted = accept(listener, nil, nil)
                guard accepted >= 0 else { return }
                Thread.detachNewThread { [self] in serve(TestSocket(owning: accepted)) }
            }
        }
    }

    /// Idempotent: a second close would hit whatever has got the number since.
    func close() {
        let isFirst = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        guard isFirst else { return }
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
    }

    /// Forgets what registered so far.
    func forget() { registered.withLock { $0 = [] } }

    /// What the last registration said; waits for one.
    func registration() throws -> [RegisterBlockServiceInfo] {
        for _ in 0..<1000 {
            let services = registered.withLock { $0 }
            if !services.isEmpty { return services }
            usleep(10_000)
        }
        throw SocketError(description: "no registration within ten seconds")
    }

    /// What it was asked to decommission so far.
    var decommissions: [BlockServiceID] { decommissioned.withLock { $0 } }

    private func serve(_ socket: TestSocket) {
        while let prefix = try? socket.receive(8) {
            let length = prefix[4...].reversed().reduce(0) { $0 << 8 | Int($1) }
            guard length >= 1, let message = try? socket.receive(length), let kind = RegistryKind(rawValue: message[0]),
                let answer = try? answer(kind, Array(message.dropFirst()))
            else { return }
            try? socket.send(answer)
        }
    }

    private func answer(_ kind: RegistryKind, _ body: [UInt8]) throws -> [UInt8] {
        switch kind {
        case .allBlockServicesDeprecated:
            return try RegistryFrame.encoded(
                .registryResponse, kind: kind.rawValue, body: AllBlockServicesDeprecatedResponse(blockServices: known))
        case .registerBlockServices:
            let request = try RegisterBlockServicesRequest(decoding: body)
            registered.withLock { $0 = request.blockServices }
            return try RegistryFrame.encoded(
                .registryResponse, kind: kind.rawValue, body: RegisterBlockServicesResponse())
        case .decommissionBlockService:
            let request = try DecommissionBlockServiceRequest(decoding: body)
            decommissioned.withLock { $0.append(request.id) }
            return try RegistryFrame.encoded(
                .registryResponse, kind: kind.rawValue, body: DecommissionBlockServiceResponse())
        default: throw SocketError(description: "unexpected \(kind)")
        }
    }
}

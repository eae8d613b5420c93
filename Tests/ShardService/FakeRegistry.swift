import EventLoop
import Glibc
import Protocol
import Synchronization
import Wire

/// A registry that remembers who registered and lists the block services it was given. Blocking sockets, a thread each.
final class FakeRegistry: Sendable {
    struct State {
        var shards: [ShardID: SocketAddress] = [:]
        var blockServices: [BlockServiceDeprecatedInfo] = []
        /// Answers questions about block services with an error.
        var hidesBlockServices = false
        /// How far its clock is ahead, in seconds; nil if it knows no CLOCK.
        var clockSeconds: Int64?
    }

    let state: Mutex<State>
    let address: SocketAddress
    private let listener: Int32

    init(blockServices: [BlockServiceDeprecatedInfo] = [], clockSeconds: Int64? = nil) throws {
        state = Mutex(State(blockServices: blockServices, clockSeconds: clockSeconds))
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var raw = sockaddr_in()
        raw.sin_family = sa_family_t(AF_INET)
        raw.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let isBound = withUnsafePointer(to: &raw) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isBound, listen(listener, 64) == 0 else { throw TestFailure("no socket for the fake registry") }
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &raw) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(listener, $0, &size) }
        }
        address = .loopback(port: UInt16(bigEndian: raw.sin_port))
        try SystemThread(name: "registry") { [weak self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0, let self else { return }
                try? SystemThread(name: "registry") { self.serve(client) }.detach()
            }
        }.detach()
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    func address(of shard: ShardID) -> SocketAddress? {
        state.withLock { $0.shards[shard] }
    }

    private func serve(_ client: Int32) {
        defer { close(client) }
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(client, &chunk, chunk.count)
            guard count > 0 else { return }
            received += chunk[..<count]
            while let (answer, size) = takeRequest(received) {
                received.removeFirst(size)
                guard write(client, answer, answer.count) == answer.count else { return }
            }
        }
    }

    private func takeRequest(_ received: [UInt8]) -> ([UInt8], Int)? {
        received.withUnsafeBytes { raw in
            guard let frame = try? RegistryFrame(raw, expecting: .registryRequest, limit: 1 << 20),
                let kind = RegistryKind(rawValue: frame.kind), let answer = try? answer(kind, frame.body)
            else { return nil }
            return (answer, frame.size)
        }
    }

    private func answer(_ kind: RegistryKind, _ body: UnsafeRawBufferPointer) throws -> [UInt8] {
        switch kind {
        case .challenge:
            return try RegistryFrame.encoded(response: ChallengeResponse(low: 1, high: 2), to: ChallengeRequest.self)
        case .prove:
            return try RegistryFrame.encoded(response: ProveResponse(), to: ProveRequest.self)
        case .registerShard:
            let request = try RegisterShardRequest(decoding: body)
            let port = request.addrs.addr1
            state.withLock {
                $0.shards[request.shrid.shard] = SocketAddress(address: port.addrs.rawValue, port: port.port)
            }
            return try RegistryFrame.encoded(response: RegisterShardResponse(), to: RegisterShardRequest.self)
        case .allBlockServicesDeprecated, .shardBlockServices:
            guard !state.withLock({ $0.hidesBlockServices }) else {
                return try RegistryFrame.encoded(error: .internalError)
            }
            return kind == .shardBlockServices ? try assignment() : try list()
        case .localCdc:
            let none = AddrsInfo(addr1: IpPort(addrs: .any, port: 0), addr2: IpPort(addrs: .any, port: 0))
            return try RegistryFrame.encoded(
                response: LocalCdcResponse(addrs: none, lastSeen: .zero), to: LocalCdcRequest.self)
        case .extensions:
            let hasClock = state.withLock { $0.clockSeconds != nil }
            return try RegistryFrame.encoded(
                response: ExtensionsResponse(extensions: hasClock ? [.registryClock] : []), to: ExtensionsRequest.self)
        case .clock:
            var now = timespec()
            clock_gettime(CLOCK_REALTIME, &now)
            let seconds = Int64(now.tv_sec) + state.withLock { $0.clockSeconds ?? 0 }
            return try RegistryFrame.encoded(
                response: ClockResponse(time: Timestamp(nanoseconds: UInt64(seconds) * 1_000_000_000)),
                to: ClockRequest.self)
        default:
            return try RegistryFrame.encoded(error: .unrecognizedRequest)
        }
    }

    private func list() throws -> [UInt8] {
        let services = state.withLock { $0.blockServices }
        return try RegistryFrame.encoded(
            response: AllBlockServicesDeprecatedResponse(blockServices: services),
            to: AllBlockServicesDeprecatedRequest.self)
    }

    private func assignment() throws -> [UInt8] {
        let assigned = state.withLock { $0.blockServices }.map {
            BlockServiceInfoShort(
                locationId: .default, failureDomain: $0.failureDomain, id: $0.id, storageClass: $0.storageClass)
        }
        return try RegistryFrame.encoded(
            response: ShardBlockServicesResponse(blockServices: assigned), to: ShardBlockServicesRequest.self)
    }
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

import EventLoop
import Glibc
import Protocol
import Synchronization
import TestSupport
import Wire

/// As much of a registry as a shard, a coordinator or a block service needs: remembers who registers, and answers what
/// it was given. Blocking sockets, a thread each.
package final class FakeRegistry: Sendable {
    package struct State {
        /// Where shards said that they are.
        package var shards: [ShardID: SocketAddress] = [:]
        /// Where replicas of shards said that they are, and in which term they lead.
        package var replicas: [ReplicaRow: (address: SocketAddress, term: Term)] = [:]
        /// Where the coordinator said that it is.
        package var coordinator: SocketAddress?
        /// What it tells about block services.
        package var blockServices: [BlockServiceDeprecatedInfo]
        /// What block services said of themselves the last time.
        package var registered: [RegisterBlockServiceInfo] = []
        /// What it was asked to decommission.
        package var decommissioned: [BlockServiceID] = []
        /// Answers questions about block services with an error.
        package var hidesBlockServices = false
        /// How far its clock is ahead, in seconds; nil if it knows no CLOCK.
        package var clockSeconds: Int64?
        fileprivate var clients: [TestSocket] = []
    }

    /// A replica of a group.
    package struct ReplicaRow: Hashable, Sendable {
        package let group: GroupNumber
        package let replica: ReplicaID

        package init(group: GroupNumber, replica: ReplicaID) {
            self.group = group
            self.replica = replica
        }
    }

    package let state: Mutex<State>
    package let address: SocketAddress
    private let listener: TestSocket

    package init(blockServices: [BlockServiceDeprecatedInfo] = [], clockSeconds: Int64? = nil) throws {
        state = Mutex(State(blockServices: blockServices, clockSeconds: clockSeconds))
        let (listener, port) = try TestSocket.listening()
        self.listener = listener
        address = .loopback(port: port)
        try SystemThread(name: "registry") { [weak self] in
            while let client = listener.accepted(patienceSeconds: 0) {
                guard let self else { return }
                take(client)
            }
        }.detach()
    }

    private func take(_ client: TestSocket) {
        state.withLock { $0.clients.append(client) }
        try? SystemThread(name: "registry") { [weak self] in self?.serve(client) }.detach()
    }

    deinit { close() }

    /// Takes no more connections.
    package func close() { listener.shutDown() }

    /// Ends all connections; whoever had one may come again.
    package func hangUp() {
        let clients = state.withLock { state in
            defer { state.clients = [] }
            return state.clients
        }
        for client in clients { client.shutDown() }
    }

    package func address(of shard: ShardID) -> SocketAddress? { state.withLock { $0.shards[shard] } }

    /// What block services say of themselves; waits until they do.
    package func registration() throws -> [RegisterBlockServiceInfo] {
        guard happens({ state.withLock { !$0.registered.isEmpty } }) else { throw TestFailure("nobody registers") }
        return state.withLock { $0.registered }
    }

    private func serve(_ client: TestSocket) {
        defer { state.withLock { $0.clients.removeAll { $0 === client } } }
        while let prefix = try? client.receive(RegistryFrame.prefixSize) {
            let length = prefix[4...].reversed().reduce(0) { $0 << 8 | Int($1) }
            guard length >= 1, let message = try? client.receive(length), let kind = RegistryKind(rawValue: message[0]),
                let answer = try? answer(kind, Array(message.dropFirst()))
            else { return }
            try? client.send(answer)
        }
    }

    private func answer(_ kind: RegistryKind, _ body: [UInt8]) throws -> [UInt8] {
        switch kind {
        case .challenge:
            return try RegistryFrame.encoded(response: ChallengeResponse(low: 1, high: 2), to: ChallengeRequest.self)
        case .prove:
            return try RegistryFrame.encoded(response: ProveResponse(), to: ProveRequest.self)
        case .registerShard:
            let request = try RegisterShardRequest(decoding: body)
            state.withLock { $0.shards[request.shrid.shard] = SocketAddress(request.addrs.addr1) }
            return try RegistryFrame.encoded(response: RegisterShardResponse(), to: RegisterShardRequest.self)
        case .registerCdc:
            let request = try RegisterCdcRequest(decoding: body)
            state.withLock { $0.coordinator = SocketAddress(request.addrs.addr1) }
            return try RegistryFrame.encoded(response: RegisterCdcResponse(), to: RegisterCdcRequest.self)
        case .registerReplica:
            let request = try RegisterReplicaRequest(decoding: body)
            let row = ReplicaRow(group: request.group, replica: request.replica)
            state.withLock { $0.replicas[row] = (SocketAddress(request.addrs.addr1), request.term) }
            return try RegistryFrame.encoded(response: RegisterReplicaResponse(), to: RegisterReplicaRequest.self)
        case .allShards:
            return try RegistryFrame.encoded(response: replicas(), to: AllShardsRequest.self)
        case .localShards:
            return try RegistryFrame.encoded(response: shards(), to: LocalShardsRequest.self)
        case .registerBlockServices:
            let request = try RegisterBlockServicesRequest(decoding: body)
            state.withLock { $0.registered = request.blockServices }
            return try RegistryFrame.encoded(
                response: RegisterBlockServicesResponse(), to: RegisterBlockServicesRequest.self)
        case .decommissionBlockService:
            let request = try DecommissionBlockServiceRequest(decoding: body)
            state.withLock { $0.decommissioned.append(request.id) }
            return try RegistryFrame.encoded(
                response: DecommissionBlockServiceResponse(), to: DecommissionBlockServiceRequest.self)
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

    private func replicas() -> AllShardsResponse {
        let known = state.withLock { $0.replicas }
        return AllShardsResponse(
            shards: known.map { row, replica in
                let id = ShardReplicaID(
                    shard: ShardID(rawValue: UInt8(truncatingIfNeeded: row.group.rawValue)), replica: row.replica)
                return FullShardInfo(
                    id: id, isLeader: replica.term > .zero, addrs: Self.addrs(replica.address), lastSeen: .zero,
                    locationId: .default)
            })
    }

    private static func addrs(_ address: SocketAddress) -> AddrsInfo {
        AddrsInfo(
            addr1: IpPort(addrs: IPv4Address(rawValue: address.address), port: address.port),
            addr2: IpPort(addrs: .any, port: 0))
    }

    private func shards() -> LocalShardsResponse {
        let known = state.withLock { $0.shards }
        let none = IpPort(addrs: .any, port: 0)
        return LocalShardsResponse(
            shards: (0...UInt8.max).map { number in
                let place = known[ShardID(rawValue: number)].map {
                    IpPort(addrs: IPv4Address(rawValue: $0.address), port: $0.port)
                }
                return ShardInfo(addrs: AddrsInfo(addr1: place ?? none, addr2: none), lastSeen: .zero)
            })
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

extension SocketAddress {
    fileprivate init(_ place: IpPort) { self.init(address: place.addrs.rawValue, port: place.port) }
}

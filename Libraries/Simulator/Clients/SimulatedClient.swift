import Client
import EventLoop
import Protocol

/// A program with a client: the real one, on virtual time and a simulated network. What its users have it do is looked
/// at from outside: every request by the witness, every operation here.
///
/// `@unchecked Sendable`: confined to the simulation's thread, where its tasks run as well.
final class SimulatedClient: @unchecked Sendable {
    let number: Int
    let cluster: SimulatedCluster
    let world: World
    let loop: VirtualLoop
    let client: Client
    /// A connection of its own, as tools have.
    let registry: RegistryConnection
    let witness: RequestWitness
    /// Of the file that it published last.
    var lastNumber = InodeID.null
    private let port: SimulatedPort
    private let blocks: SimulatedBlocks
    private var streams: [UInt64: SimulatedStream] = [:]
    private var lastQuestion: UInt64 = 0
    /// What its registry's program knows beyond the base protocol; nil: everything.
    private let knownExtensions: Set<ProtocolExtension>?

    init(_ number: Int, _ cluster: SimulatedCluster) throws {
        self.number = number
        self.cluster = cluster
        world = cluster.world
        let endpoint = Endpoint.client(number)
        loop = VirtualLoop(world)
        witness = RequestWitness(number, cluster)
        port = SimulatedPort(endpoint, cluster, witness)
        blocks = SimulatedBlocks(endpoint, cluster)
        knownExtensions = Self.anyExtensions(&world.random)
        let registries = (0..<cluster.options.replicas).map(AddressBook.registry)
        client = try Client(
            ClientSurroundings(loop: loop, datagrams: port, blocks: blocks), registries: registries,
            options: Self.anyOptions(&world.random))
        registry = RegistryConnection(on: loop, addresses: registries)
        loop.connecting = { [unowned self] in connect(to: $0) }
        cluster.network.attach(endpoint, of: .client(number)) { [unowned self] in receive($0, from: $1) }
    }

    /// Learns where the services are; who cannot begins anew, as programs do.
    func start() {
        loop.task { [self] in
            while (try? await client.start()) == nil { await loop.sleep(nanoseconds: 1_000_000_000) }
        }
    }

    /// Its program ends.
    func end() {
        registry.close()
        loop.task { [client] in await client.close() }
    }

    /// Half of all clusters are up to date.
    private static func anyExtensions(_ random: inout SeededRandom) -> Set<ProtocolExtension>? {
        if random.perMille(500) { return nil }
        return random.perMille(300) ? [] : Set(ProtocolExtension.all.filter { _ in random.perMille(700) })
    }

    /// Little memory, so that all of it is used.
    private static func anyOptions(_ random: inout SeededRandom) -> ClientOptions {
        var options = ClientOptions()
        options.readCacheBytes = random.pick([0, 64 << 10, 1 << 20])
        options.readAheadBytes = 64 << 10
        options.pendingWriteBytes = 2 << 20
        options.openBufferBytes = random.pick([64 << 10, 1 << 20])
        options.patchBytes = 1 << 20
        options.writeTimeoutNanoseconds = random.pick([20, 60, 300]) * ClusterOptions.second
        options.extensionsNanoseconds = random.pick([60, 600]) * ClusterOptions.second
        return options
    }

    // MARK: Network

    private func connect(to address: SocketAddress) -> (any StreamConnection)? {
        let replicas = 0..<cluster.options.replicas
        guard let slot = replicas.first(where: { AddressBook.registry($0) == address }) else { return nil }
        return SimulatedStream(world) { [unowned self] stream, request in
            lastQuestion += 1
            streams[lastQuestion] = stream
            cluster.network.send(
                Message(id: lastQuestion, body: .registryRequest(request)), from: .client(number), to: .registry(slot))
        }
    }

    private func receive(_ message: Message, from sender: Endpoint) {
        switch message.body {
        case .registryAnswer(let answer): streams.removeValue(forKey: message.id)?.receive(known(answer))
        case .registryHangUp: streams.removeValue(forKey: message.id)?.hungUp()
        case .blockAnswer: blocks.receive(message)
        default: port.receive(message, from: sender)
        }
    }

    private func known(
        _ answer: Result<AnyRegistryResponse, ProtocolError>
    ) -> Result<AnyRegistryResponse, ProtocolError> {
        guard let knownExtensions, case .success(.extensions(let all)) = answer else { return answer }
        return .success(.extensions(ExtensionsResponse(extensions: all.extensions.filter(knownExtensions.contains))))
    }

    // MARK: Operations

    /// Has the client do something, and keeps what it asks for together.
    func perform<T: Sendable>(
        _ name: String, _ body: (Operation) async throws(ClientError) -> T
    ) async throws(ClientError) -> T {
        let operation = Operation(name, at: world.now)
        witness.operations.append(operation)
        defer { witness.operations.removeAll { $0 === operation } }
        let result: Result<T, ClientError> = await Operation.$current.withValue(operation) {
            do throws(ClientError) { return .success(try await body(operation)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    /// What takes a name away must have done so if it says so; and if it says that there was nothing to take, nobody
    /// else may be the one who did.
    func judgeRemoval(of place: Place, by operation: Operation, _ error: ClientError?) {
        let removals = operation.removals(at: place)
        guard let error else {
            if !cluster.names.hasComeAbout(removals, since: operation.begun) {
                world.find("client \(number)'s \(operation.name) of \(place) succeeded, and nothing was done")
            }
            return
        }
        // Who has sent a request once only takes its answer for the only one, also where the network has doubled it.
        // Where nobody's clock is looked after, history may be collected before it can be looked at.
        guard cluster.options.comparesClocks, error.isRefusal(.edgeNotFound) || error.isRefusal(.nameNotFound),
            cluster.names.haveActedLast(removals.filter { $0.attempts > 1 }, at: place)
        else { return }
        world.find("client \(number)'s \(operation.name) of \(place) was done, and it says \(error)")
    }

    /// What was refused for good is not done by then, unless somebody else did it.
    func judgeRefusedNaming(of place: Place, by operation: Operation, _ error: ClientError) {
        guard error.code != nil, !error.isOutage, cluster.options.comparesClocks else { return }
        let namings = operation.namings(of: place).filter { $0.attempts > 1 }
        if cluster.names.haveActedLast(namings, at: place) {
            world.find("client \(number)'s \(operation.name) of \(place) was done, and it says \(error)")
        }
    }

    /// A file was given a name.
    func judgeNaming(of place: Place, by operation: Operation, _ file: InodeID) {
        let namings = operation.namings(of: place).filter { $0.target == file }
        if !cluster.names.hasComeAbout(namings, since: operation.begun) {
            world.find("client \(number)'s \(operation.name) of \(place) succeeded, and it never was \(file)")
        }
    }
}

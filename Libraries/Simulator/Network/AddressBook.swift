import EventLoop
import Protocol

/// Where services listen, and who tells the registry so. A process that is moved listens at other ports from then on;
/// what is sent to the old ones nobody gets.
final class AddressBook {
    /// Addresses of one process that the registry is to know.
    private struct Home {
        let host: UInt32
        /// Counts the moves.
        var moves = 0
        /// What the registry has confirmed, with the move at which it was.
        var announced: [Endpoint: Int] = [:]
        var underway: [UInt64: (endpoint: Endpoint, move: Int)] = [:]
        /// How many there were, after how many moves, when nothing was missing.
        var complete = (endpoints: 0, moves: 0)
    }

    static let registry = SocketAddress(address: 0x0a04_0000, port: 1)
    private static let shardHosts: UInt32 = 0x0a03_0000
    private static let coordinatorHost: UInt32 = 0x0a05_0000
    /// Ports of shards are so far apart after each move.
    private static let portsOfAMove = 256
    private static let firstPort = 1024
    private static let rounds = (65_536 - firstPort) / portsOfAMove
    private static let pause: ClosedRange<UInt64> = 500_000_000...2_000_000_000
    /// So many registrations of a process at a time.
    private static let atOnce = 16

    private let world: World
    private let network: Network
    private let shards: [ShardMachine]
    private let coordinator: CoordinatorMachine
    private var homes: [MachineID: Home] = [:]
    private var lastID: UInt64 = 0

    init(_ world: World, _ network: Network, _ shards: [ShardMachine], _ coordinator: CoordinatorMachine) {
        self.world = world
        self.network = network
        self.shards = shards
        self.coordinator = coordinator
        for machine in shards {
            homes[machine.id] = Home(host: Self.shardHosts + UInt32(machine.number))
        }
        homes[coordinator.id] = Home(host: Self.coordinatorHost)
    }

    func start() {
        for machine in machines {
            network.attach(.announcer(machine.id), of: machine.id) { [unowned self] message, _ in
                confirm(message, of: machine.id)
            }
        }
        world.every(Self.pause) { [unowned self] in
            for machine in machines where machine.isUp { announce(machine) }
            return true
        }
    }

    /// Lets a process listen elsewhere.
    func move(_ machine: MachineID) {
        homes[machine]?.moves += 1
        homes[machine]?.underway = [:]
    }

    // MARK: Addresses

    /// Where a shard or the coordinator listens now.
    func address(of endpoint: Endpoint) -> SocketAddress? {
        guard let home = home(of: endpoint), let known = homes[home] else { return nil }
        let offset: Int
        if case .shard(let shard) = endpoint { offset = Int(shard.rawValue) } else { offset = 0 }
        let port = Self.firstPort + known.moves % Self.rounds * Self.portsOfAMove + offset
        return SocketAddress(address: known.host, port: UInt16(port))
    }

    /// Who listens at an address; nil: nobody, any more.
    func endpoint(at address: SocketAddress) -> Endpoint? {
        let shard = ShardID(rawValue: UInt8(truncatingIfNeeded: (Int(address.port) - Self.firstPort)))
        let candidate: Endpoint = address.address == Self.coordinatorHost ? .coordinator : .shard(shard)
        return self.address(of: candidate) == address ? candidate : nil
    }

    private func home(of endpoint: Endpoint) -> MachineID? {
        switch endpoint {
        case .shard(let shard): .shards(Int(shard.rawValue) % shards.count)
        case .coordinator: .coordinator
        default: nil
        }
    }

    // MARK: Registration

    private var machines: [Machine] { shards + [coordinator] }

    /// Shards are told of once they are in use; that of the root always is.
    private func endpoints(of machine: Machine) -> [Endpoint] {
        guard let process = machine as? ShardMachine else { return [.coordinator] }
        let root = process.number == 0 && !process.shardsInUse.contains(InodeID.root.shard)
        return (root ? [InodeID.root.shard] : []).map(Endpoint.shard) + process.shardsInUse.map(Endpoint.shard)
    }

    private func announce(_ machine: Machine) {
        guard var home = homes[machine.id] else { return }
        let endpoints = endpoints(of: machine)
        if home.complete == (endpoints.count, home.moves) { return }
        let missing = endpoints.filter { home.announced[$0] != home.moves }
        if missing.isEmpty { home.complete = (endpoints.count, home.moves) }
        // What was not confirmed since the last time got lost.
        home.underway = [:]
        for endpoint in missing.prefix(Self.atOnce) {
            guard let request = registration(of: endpoint) else { continue }
            lastID += 1
            home.underway[lastID] = (endpoint, home.moves)
            network.send(
                Message(id: lastID, body: .registryRequest(request)), from: .announcer(machine.id), to: .registry)
        }
        homes[machine.id] = home
    }

    private func registration(of endpoint: Endpoint) -> AnyRegistryRequest? {
        guard let address = address(of: endpoint) else { return nil }
        let none = IpPort(addrs: .any, port: 0)
        let addresses = AddrsInfo(
            addr1: IpPort(addrs: IPv4Address(rawValue: address.address), port: address.port), addr2: none)
        let replica = ReplicaID(rawValue: 0)
        guard case .shard(let shard) = endpoint else {
            return .registerCdc(
                RegisterCdcRequest(replica: replica, location: .default, isLeader: true, addrs: addresses))
        }
        return .registerShard(
            RegisterShardRequest(
                shrid: ShardReplicaID(shard: shard, replica: replica), isLeader: true, addrs: addresses,
                location: .default))
    }

    private func confirm(_ message: Message, of machine: MachineID) {
        guard let told = homes[machine]?.underway.removeValue(forKey: message.id),
            case .registryAnswer(let answer) = message.body
        else { return }
        switch answer {
        case .success: homes[machine]?.announced[told.endpoint] = told.move
        case .failure(let error): world.find("\(told.endpoint) cannot register: \(error)")
        }
    }
}

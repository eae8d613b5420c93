import Consensus
import EventLoop
import Protocol
import Replicas

/// Where services listen, and who tells the registry so. A process that is moved listens at other ports from then on;
/// what is sent to the old ones nobody gets.
final class AddressBook {
    /// What the registry is told of an endpoint.
    private struct Announcement: Equatable {
        /// After how many moves.
        let move: Int
        let standing: GroupStanding
    }

    /// Addresses of one process that the registry is to know.
    private struct Home {
        let host: UInt32
        /// Counts the moves.
        var moves = 0
        /// What the registry has confirmed, and what it is being told.
        var announced: [Endpoint: Announcement] = [:]
        var underway: [Endpoint: Announcement] = [:]
        /// After how many changes and moves nothing was missing.
        var complete = (changes: -1, moves: -1)
    }

    /// Of the registry's replicas.
    static func registry(_ slot: Int) -> SocketAddress {
        SocketAddress(address: registryHost + UInt32(slot), port: 1)
    }

    private static let registryHost: UInt32 = 0x0a04_0000
    private static let shardHosts: UInt32 = 0x0a06_0000
    private static let coordinatorHost: UInt32 = 0x0a05_0000
    /// Replicas of a process are so far apart at most.
    private static let hostsOfAProcess: UInt32 = 8
    /// Ports of shards are so far apart after each move.
    private static let portsOfAMove = 256
    private static let firstPort = 1024
    private static let rounds = (65_536 - firstPort) / portsOfAMove
    private static let pause: ClosedRange<UInt64> = 500_000_000...2_000_000_000
    /// What was said may have been overtaken by what was said before.
    private static let renewal: ClosedRange<UInt64> = 60_000_000_000...120_000_000_000
    /// So many registrations of a process at a time.
    private static let atOnce = 16

    private let world: World
    private let shards: [ShardMachine]
    private let coordinators: [CoordinatorMachine]
    private let shardProcesses: Int
    private var homes: [MachineID: Home] = [:]

    init(_ world: World, _ shards: [ShardMachine], _ coordinators: [CoordinatorMachine], _ options: ClusterOptions) {
        self.world = world
        self.shards = shards
        self.coordinators = coordinators
        shardProcesses = options.shardMachines
        for machine in shards {
            let host = Self.shardHosts + UInt32(machine.number) * Self.hostsOfAProcess + UInt32(machine.slot)
            homes[machine.id] = Home(host: host)
        }
        for machine in coordinators {
            homes[machine.id] = Home(host: Self.coordinatorHost + UInt32(machine.slot))
        }
        for machine in machines { machine.onStanding = { [unowned self, unowned machine] in announce(machine) } }
        for machine in machines { machine.onHalt = { [unowned self, unowned machine] in forget(machine.id) } }
    }

    func start() {
        world.every(Self.pause) { [unowned self] in
            for machine in machines where machine.isUp { announce(machine) }
            return true
        }
        for machine in machines.map(\.id) {
            world.every(Self.renewal) { [unowned self] in
                homes[machine]?.announced = [:]
                homes[machine]?.complete = (-1, -1)
                return true
            }
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
        if case .shard(let shard, _) = endpoint { offset = Int(shard.rawValue) } else { offset = 0 }
        let port = Self.firstPort + known.moves % Self.rounds * Self.portsOfAMove + offset
        return SocketAddress(address: known.host, port: UInt16(port))
    }

    /// Who listens at an address; nil: nobody, any more.
    func endpoint(at address: SocketAddress) -> Endpoint? {
        let candidate: Endpoint
        if address.address >= Self.shardHosts {
            let shard = ShardID(rawValue: UInt8(truncatingIfNeeded: (Int(address.port) - Self.firstPort)))
            candidate = .shard(shard, Int((address.address - Self.shardHosts) % Self.hostsOfAProcess))
        } else if address.address >= Self.coordinatorHost {
            candidate = .coordinator(Int(address.address - Self.coordinatorHost))
        } else {
            return nil
        }
        return self.address(of: candidate) == address ? candidate : nil
    }

    private func home(of endpoint: Endpoint) -> MachineID? {
        switch endpoint {
        case .shard(let shard, let slot): .shards(Int(shard.rawValue) % shardProcesses, slot)
        case .coordinator(let slot): .coordinator(slot)
        default: nil
        }
    }

    // MARK: Registration

    private var machines: [ReplicaMachine] { shards + coordinators }

    /// Shards are told of once they are in use.
    private func endpoints(of machine: ReplicaMachine) -> [(Endpoint, GroupStanding)] {
        guard let process = machine as? ShardMachine else {
            return [(.coordinator(machine.slot), machine.standing(in: CoordinatorMachine.group))]
        }
        return process.shardsInUse.map { (.shard($0, process.slot), process.standing(of: $0)) }
    }

    private func announce(_ machine: ReplicaMachine) {
        // A process that ends steps down from what it led, and says nothing any more.
        guard machine.isUp, var home = homes[machine.id] else { return }
        let changes = machine.standingChanges
        if home.complete == (changes, home.moves) { return }
        let missing = endpoints(of: machine).map { ($0, Announcement(move: home.moves, standing: $1)) }
            .filter { home.announced[$0] != $1 && $1.standing != .isUnknown }
        if missing.isEmpty { home.complete = (changes, home.moves) }
        homes[machine.id] = home
        for (endpoint, announcement) in missing.filter({ home.underway[$0.0] == nil }).prefix(Self.atOnce) {
            guard let request = registration(of: endpoint, announcement.standing, isAlone: machine.site.isAlone) else {
                continue
            }
            homes[machine.id]?.underway[endpoint] = announcement
            machine.registry.ask(request) { [unowned self, unowned machine] answer in
                confirm(answer, endpoint, announcement, of: machine.id)
            }
        }
    }

    /// A process is gone, and with it what it was telling.
    func forget(_ machine: MachineID) { homes[machine]?.underway = [:] }

    private func registration(
        of endpoint: Endpoint, _ standing: GroupStanding, isAlone: Bool
    ) -> AnyRegistryRequest? {
        guard let address = address(of: endpoint) else { return nil }
        let none = IpPort(addrs: .any, port: 0)
        let addresses = AddrsInfo(
            addr1: IpPort(addrs: IPv4Address(rawValue: address.address), port: address.port), addr2: none)
        let replica = ReplicaID(rawValue: 0)
        switch endpoint {
        case .shard(let shard, let slot) where !isAlone:
            return registration(in: GroupNumber(shard), slot, standing, addresses)
        case .coordinator(let slot) where !isAlone:
            return registration(in: .coordinator, slot, standing, addresses)
        case .shard(let shard, _):
            return .registerShard(
                RegisterShardRequest(
                    shrid: ShardReplicaID(shard: shard, replica: replica), isLeader: true, addrs: addresses,
                    location: .default))
        default:
            return .registerCdc(
                RegisterCdcRequest(replica: replica, location: .default, isLeader: true, addrs: addresses))
        }
    }

    private func registration(
        in group: GroupNumber, _ slot: Int, _ standing: GroupStanding, _ addresses: AddrsInfo
    ) -> AnyRegistryRequest {
        let term: Term = if case .leads(let term) = standing { term } else { .zero }
        return .registerReplica(
            RegisterReplicaRequest(
                group: group, replica: ReplicaID(rawValue: UInt8(slot)), location: .default, term: term,
                addrs: addresses))
    }

    private func confirm(
        _ answer: Result<AnyRegistryResponse, ProtocolError>?, _ endpoint: Endpoint, _ announcement: Announcement,
        of machine: MachineID
    ) {
        guard homes[machine]?.underway.removeValue(forKey: endpoint) == announcement else { return }
        switch answer {
        case .success: homes[machine]?.announced[endpoint] = announcement
        case .failure(let error): world.find("\(endpoint) cannot register: \(error)")
        case nil: break
        }
    }
}

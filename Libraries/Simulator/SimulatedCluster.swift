import CoordinatorCore
import Protocol
import ShardCore

/// All machines of a run, and what is known of what they ought to hold.
final class SimulatedCluster {
    let world: World
    let network: Network
    let options: ClusterOptions
    let addresses: AddressBook
    let names = NameHistory()
    let watch: ShardWatch
    let defaultOwnership: DefaultOwnershipWatch
    /// All processes, with all replicas.
    let shards: [ShardMachine]
    let coordinators: [CoordinatorMachine]
    let registries: [RegistryMachine]
    let blockServers: [BlockMachine]
    /// Whether all names that users have in mind are of one hash.
    let usesCollidingNames: Bool
    /// What clients wrote, by file; recorded before the file gets its name.
    var contents: [InodeID: FileContents] = [:]
    /// What was written to blocks, whether it arrived or not.
    var blockBytes: [BlockID: [UInt8]] = [:]
    /// The numbers of versions whose clients were told of them.
    var numbers: [InodeID: InodeID] = [:]

    init(_ world: World, _ options: ClusterOptions) {
        self.world = world
        self.options = options
        usesCollidingNames = Int.random(in: 0..<6, using: &world.random) == 0
        let network = Network(world)
        self.network = network
        let watch = ShardWatch(
            world, names, clockTolerance: options.comparesClocks ? 65_000_000_000 : nil)
        self.watch = watch
        let slots = 0..<options.replicas
        shards = (0..<options.shardMachines).flatMap { number in
            let site = ReplicaSite(options.replicas, "shards' machine \(number)", world)
            return slots.map { ShardMachine(number, site, slot: $0, world, network, options, watch: watch) }
        }
        let coordinatorSite = ReplicaSite(options.replicas, "cdc", world)
        coordinators = slots.map { CoordinatorMachine(coordinatorSite, slot: $0, world, network, options) }
        let defaultOwnership = DefaultOwnershipWatch(world)
        self.defaultOwnership = defaultOwnership
        let registrySite = ReplicaSite(options.replicas, "registry", world)
        registries = slots.map {
            RegistryMachine(registrySite, slot: $0, world, network, options, watch: defaultOwnership)
        }
        let addresses = AddressBook(world, shards, coordinators, options)
        self.addresses = addresses
        blockServers = (0..<options.blockServers).map {
            BlockMachine($0, disks: options.disksPerServer, registries: options.replicas, world, network)
        }
        for coordinator in coordinators {
            coordinator.endpointAt = { [unowned addresses] in addresses.endpoint(at: $0) }
        }
    }

    var replicaMachines: [ReplicaMachine] { shards + coordinators + registries }
    var machines: [Machine] { replicaMachines + blockServers }

    /// Each shard as the replica has it that has applied most; not those of which no process that is up has all that
    /// was ever applied.
    var cores: [ShardCore] {
        var newest: [ShardID: ShardCore] = [:]
        for core in shards.flatMap(\.cores) where core.appliedIndex >= watch.lastApplied(of: core.shard) {
            if let other = newest[core.shard], other.appliedIndex >= core.appliedIndex { continue }
            newest[core.shard] = core
        }
        return newest.values.sorted { $0.shard.rawValue < $1.shard.rawValue }
    }

    /// The one that leads.
    var coordinator: Coordinator? { coordinators.lazy.compactMap(\.core).first }

    /// By site, in which each is once.
    private var replicasBySite: [[ReplicaMachine]] {
        let machines = replicaMachines
        return stride(from: 0, to: machines.count, by: options.replicas).map {
            Array(machines[$0..<$0 + options.replicas])
        }
    }

    /// Of the processes that have replicas of the same groups: all that do so and have everything.
    var completeSites: [[ReplicaMachine]] { replicasBySite.filter(Self.isComplete) }

    /// Whether everything is everywhere.
    var isComplete: Bool { replicasBySite.allSatisfy(Self.isComplete) }

    /// Whether all processes are up and have voters in every group, which have all that there is.
    private static func isComplete(_ machines: [ReplicaMachine]) -> Bool {
        guard machines.allSatisfy(\.isUp), let site = machines.first?.site else { return false }
        return site.groups.allSatisfy { group in
            let replicas = machines.compactMap { $0.replicas[group]?.replica }
            return replicas.count == site.size && Set(replicas.map(\.applied)).count == 1
                && replicas.count { $0.serves } == 1
                && replicas.allSatisfy { replica in
                    let members = replica.configuration.voters.compactMap { replica.configuration.member(at: $0) }
                    return replica.inFlightCount == 0 && Set(members) == site.present
                }
        }
    }

    /// What replicas are to their groups, for people.
    var standing: String {
        replicaMachines.flatMap { machine in
            machine.replicas.sorted { $0.key < $1.key }.map { group, known in
                let replica = known.replica
                return
                    "\(machine.id)\(machine.isUp ? "" : " (down)") \(group) \(replica.role) \(replica.term.rawValue) "
                    + "\(replica.applied)+\(replica.inFlightCount) of \(replica.configuration.voters)"
            }
        }.joined(separator: "; ")
    }

    func server(of service: BlockServiceID) -> Int? {
        blockServers.firstIndex { $0.services.contains { $0.id == service } }
    }

    func holds(_ block: BlockID, crc: CRC32C) -> Bool {
        blockServers.contains { $0.services.contains { $0.blocks[block] == crc } }
    }

    /// Directories that have a name now, and the root.
    private(set) var directories: [InodeID] = [.root]

    /// Looks the directories up again; a user knows them by walking.
    func refreshDirectories() {
        let named = names.places.compactMap { names.meaning(of: $0)?.target }.filter(\.isDirectory)
        directories = [.root] + Array(Set(named).sorted().suffix(12))
    }
}

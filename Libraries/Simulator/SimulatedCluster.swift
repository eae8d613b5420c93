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
    let shards: [ShardMachine]
    let coordinator: CoordinatorMachine
    let registry: RegistryMachine
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
        shards = (0..<options.shardMachines).map { ShardMachine($0, world, network, options, watch: watch) }
        coordinator = CoordinatorMachine(world, network, options)
        defaultOwnership = DefaultOwnershipWatch(world)
        registry = RegistryMachine(world, network, options, watch: defaultOwnership)
        addresses = AddressBook(world, network, shards, coordinator)
        blockServers = (0..<options.blockServers).map {
            BlockMachine($0, disks: options.disksPerServer, world, network)
        }
    }

    var machines: [Machine] { shards + [coordinator, registry] + blockServers }

    var cores: [ShardCore] { shards.flatMap(\.cores).sorted { $0.shard.rawValue < $1.shard.rawValue } }

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

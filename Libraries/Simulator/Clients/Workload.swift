import Client
import Protocol

/// One user: does something to the namespace, waits, does something else.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
final class Workload: @unchecked Sendable {
    let client: SimulatedClient
    private let cluster: SimulatedCluster
    private let world: World
    private(set) var isRunning = true
    /// Requests that ended well, and not.
    private(set) var succeeded = 0
    private(set) var refused = 0

    private static let names = ["a", "b", "c", "d"].map { Array($0.utf8) }
    /// More than a directory may have of one hash.
    private static let collidingNames = (0..<7).map(CollidingNames.name)
    private let names: [[UInt8]]

    init(_ client: SimulatedClient) {
        self.client = client
        cluster = client.cluster
        names = cluster.usesCollidingNames ? Self.collidingNames : Self.names
        world = client.world
    }

    /// Goes on until `end`, virtual nanoseconds.
    func start(until end: UInt64) {
        client.loop.task { [self] in
            while world.now < end {
                await world.sleep(world.random.spread(cluster.options.userPause))
                do throws(ClientError) {
                    try await act()
                    succeeded += 1
                } catch {
                    refused += 1
                }
            }
            isRunning = false
        }
    }

    private var anyPlace: Place {
        Place(directory: world.random.pick(cluster.directories), name: world.random.pick(names))
    }

    /// A place that means something, so that most operations have something to work on.
    private var knownPlace: Place {
        for _ in 0..<6 {
            let place = anyPlace
            if cluster.names.meaning(of: place) != nil { return place }
        }
        return anyPlace
    }

    private func act() async throws(ClientError) {
        switch Int.random(in: 0..<100, using: &world.random) {
        case 0..<21: try await client.create(anyPlace)
        case 21..<22: try await createInARow()
        case 22..<23: try await client.certifyNothing(in: anyPlace.directory.shard)
        case 23..<25: try await client.makeSpecialFile(anyPlace)
        case 25..<29: try await client.makeDirectory(anyPlace, change: client.anyChange())
        case 29..<38: try await client.makeDirectory(anyPlace)
        case 38..<48: try await rename()
        case 48..<50: await moveCrosswise()
        case 50..<63: try await unlink()
        case 63..<69: try await changeAttributes()
        case 69..<73: _ = try await client.lookup(anyPlace)
        case 73..<76: try await client.list(world.random.pick(cluster.directories))
        case 76..<79: try await withFile { (file) throws(ClientError) in try await client.read(file) }
        case 79..<83: try await client.resurrect(anyPlace)
        case 83..<84: try await changePolicies()
        case 84..<85: try await withFile { (file) throws(ClientError) in try await continueFile(file) }
        case 85..<88: try await withFile { (file) throws(ClientError) in try await copy(file) }
        case 88..<90: try await withFile { (file) throws(ClientError) in try await client.touch(file) }
        case 90..<93: try await withFile { (file) throws(ClientError) in try await client.relocateBlock(of: file) }
        case 93..<96: try await withFile { (file) throws(ClientError) in try await client.rewriteSpan(of: file) }
        case 96..<98: try await client.chooseDefaultOwnership()
        default: try await client.readDefaultOwnership()
        }
    }

    /// One file after the other, as who unpacks an archive: so many that inodes are made ahead, several at once.
    private func createInARow() async throws(ClientError) {
        let directory = world.random.pick(cluster.directories)
        for index in 0..<14 {
            try await client.createSmall(Place(directory: directory, name: names[index % names.count]))
        }
    }

    /// Now and then what is removed is wanted back at once, and copies of the request are still on their way.
    private func unlink() async throws(ClientError) {
        let place = knownPlace
        try await client.unlink(place)
        if world.random.perMille(200) { try await client.resurrect(place) }
    }

    /// Often over a name of the same directory, which takes another way.
    private func rename() async throws(ClientError) {
        let source = knownPlace
        let isNear = world.random.perMille(400)
        let near = Place(directory: source.directory, name: world.random.pick(names))
        try await client.rename(source, to: isNear ? near : anyPlace)
    }

    /// Two directories at once, each into the other: at most one of them can succeed.
    private func moveCrosswise() async {
        guard let first = placeOfDirectory(), let second = placeOfDirectory(), first.target != second.target
        else { return }
        let name = world.random.pick(names)
        // Refused or not, the checks look at both.
        let other = client.loop.task { [client] in
            _ = try? await client.rename(second.place, to: Place(directory: first.target, name: name))
        }
        _ = try? await client.rename(first.place, to: Place(directory: second.target, name: name))
        await other.value
    }

    private func placeOfDirectory() -> (place: Place, target: InodeID)? {
        for _ in 0..<12 {
            let place = anyPlace
            if let target = cluster.names.meaning(of: place)?.target, target.isDirectory { return (place, target) }
        }
        return nil
    }

    private func withFile(_ body: (InodeID) async throws(ClientError) -> Void) async throws(ClientError) {
        guard let file = cluster.names.meaning(of: knownPlace)?.target, file.isFile else { return }
        try await body(file)
    }

    private func copy(_ file: InodeID) async throws(ClientError) {
        guard let place = place(inShardOf: file) else { return }
        if world.random.perMille(500) {
            try await client.copy(file, to: place)
        } else {
            try await client.refer(to: file, at: place)
        }
    }

    private func continueFile(_ file: InodeID) async throws(ClientError) {
        let place = world.random.perMille(300) ? anyPlace : place(inShardOf: file)
        if let place { try await client.continueFile(file, at: place) }
    }

    /// Only there spans can be referred to.
    private func place(inShardOf file: InodeID) -> Place? {
        let directories = cluster.directories.filter { $0.shard == file.shard }
        guard !directories.isEmpty else { return nil }
        return Place(directory: world.random.pick(directories), name: world.random.pick(names))
    }

    private func changeAttributes() async throws(ClientError) {
        guard let target = cluster.names.meaning(of: knownPlace)?.target else { return }
        try await client.changeAttributes(of: target)
    }

    private func changePolicies() async throws(ClientError) {
        let directory = world.random.pick(cluster.directories)
        guard directory != .root else { return }
        guard world.random.perMille(500) else {
            return try await client.client.clearPolicy(.snapshot, of: directory)
        }
        let age = DeleteAfterTime(nanoseconds: world.random.pick([10, 60, 300]) * ClusterOptions.second)
        try await client.client.setPolicy(
            SnapshotPolicy(deleteAfterTime: age, deleteAfterVersions: .inactive), of: directory)
    }
}

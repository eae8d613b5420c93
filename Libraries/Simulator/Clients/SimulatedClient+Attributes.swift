import Client
import Protocol

/// Owners, modes, times, extended attributes and special files.
extension SimulatedClient {
    /// Something that somebody might want of an inode.
    func anyChange() -> InodeAttributeChange {
        var change = InodeAttributeChange.nothing
        if world.random.perMille(700) { change.ownership.mode = world.random.pick([0o600, 0o644, 0o2755, 0o6755]) }
        if world.random.perMille(400) { change.ownership.uid = world.random.pick([0, 1, 1000, .max - 1]) }
        if world.random.perMille(400) { change.ownership.gid = world.random.pick([0, 1, 1000]) }
        if world.random.perMille(300) { change.mtime = anyTime }
        if world.random.perMille(200) { change.atime = anyTime }
        guard world.random.perMille(400) else { return change }
        let operation = world.random.pick([ExtendedOperation.set, .set, .set, .create, .remove])
        let value = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: world.random.pick([0, 1, 300]))
        change.extended = [
            ExtendedAttributeChange(
                operation: operation, name: world.random.pick([[97], [98], AttributeLimits.capability]),
                value: operation.removes ? [] : value)
        ]
        return change
    }

    /// A time that somebody gives an inode, as it stands in requests.
    var anyTime: UInt64 { UInt64.random(in: 0...2 * World.epoch, using: &world.random) | 1 << 63 }

    /// What is told to be done is seen by whoever asks afterwards.
    func changeAttributes(of inode: InodeID) async throws(ClientError) {
        let done = try await call(SetAttributesRequest(id: inode, change: anyChange()), shard: inode.shard)
        let found = try await call(StatAttributesRequest(id: done.id, newest: false), shard: inode.shard)
        if found.ctime < done.ctime {
            world.find("\(done.id) was changed at \(done.ctime), and says that it was last changed at \(found.ctime)")
        }
    }

    func makeDirectoryWithAttributes(_ place: Place) async throws(ClientError) {
        let request = MakeDirectoryWithAttributesRequest(
            ownerId: place.directory, name: place.name, isExclusive: world.random.perMille(600), change: anyChange())
        let intent = want(.makeDirectory(isExclusive: request.isExclusive), place, "mkdir with attributes")
        let outcome = await counted(request)
        settle([intent], outcome.map { Meaning(target: $0.id, creationTime: $0.creationTime) })
        let made = try outcome.result.get()
        if request.isExclusive { cluster.watch.attributes.promised(made.id, request.change, inherits: false) }
    }

    /// As mknod(2).
    func makeSpecialFile(_ place: Place) async throws(ClientError) {
        let file = try await construct(in: place.directory.shard, "mknod")
        let kind = world.random.pick([SpecialFileKind.fifo, .socket, .characterDevice, .blockDevice])
        try await publish(file, FileContents(), at: place, kind: kind)
    }
}

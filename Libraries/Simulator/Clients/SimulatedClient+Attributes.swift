import Client
import Protocol

/// Owners, modes, times, extended attributes, special files, and what inodes are shown with that have no owner.
extension SimulatedClient {
    /// Something that somebody might want of an inode.
    func anyChange() -> InodeChange {
        var change = InodeChange.nothing
        if world.random.perMille(700) { change.ownership.mode = world.random.pick([0o600, 0o644, 0o2755, 0o6755]) }
        if world.random.perMille(400) { change.ownership.uid = world.random.pick([0, 1, 1000, .max - 1]) }
        if world.random.perMille(400) { change.ownership.gid = world.random.pick([0, 1, 1000]) }
        if world.random.perMille(300) { change.modified = anyTime }
        if world.random.perMille(200) { change.accessed = anyTime }
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

    /// A time that somebody gives an inode.
    private var anyTime: Timestamp {
        Timestamp(nanoseconds: UInt64.random(in: 0...2 * World.epoch, using: &world.random))
    }

    /// What is told to be done is seen by whoever asks afterwards.
    func changeAttributes(of inode: InodeID) async throws(ClientError) {
        guard await client.storesAttributes else { return try await touch(inode) }
        let done = try await client.setAttributes(inode, anyChange())
        let found = try await client.attributes(of: done.id)
        if let changed = found.stored?.changed, changed < done.changed {
            world.find("\(done.id) was changed at \(done.changed), and says that it was last changed at \(changed)")
        }
        if world.random.perMille(300) { _ = try await client.extendedAttributes(of: done.id) }
    }

    func touch(_ inode: InodeID) async throws(ClientError) {
        guard inode.isFile else { return }
        let isRead = world.random.perMille(400)
        try await client.setTimes(inode, modified: isRead ? nil : anyTime, accessed: anyTime)
        _ = try await client.attributes(of: inode)
    }

    /// As mknod(2).
    func makeSpecialFile(_ place: Place) async throws(ClientError) {
        try await perform("mknod") { (operation) throws(ClientError) in
            witness.contents[place] = FileContents()
            let device = world.random.next()
            let special = world.random.pick([
                SpecialFile.fifo, .socket, .characterDevice(device), .blockDevice(device),
            ])
            let made = try await client.makeSpecialFile(place.name, in: place.directory, special, change: anyChange())
            judgeNaming(of: place, by: operation, made.id)
        }
    }

    // MARK: The default ownership

    func readDefaultOwnership() async throws(ClientError) {
        let invoked = world.now
        guard await client.storesAttributes else { return }
        let found = try await client.defaultOwnership()
        cluster.defaultOwnership.observed(
            DefaultOwnershipResponse(
                isSet: found.isSet, uid: found.uid, gid: found.gid, fileMode: found.fileMode,
                directoryMode: found.directoryMode),
            from: invoked, to: world.now)
    }

    /// What was told to be done was so at some moment.
    func chooseDefaultOwnership() async throws(ClientError) {
        let invoked = world.now
        let choice = SetDefaultOwnershipRequest(
            uid: world.random.pick([0, 1, 1000]), gid: world.random.pick([0, 100]),
            fileMode: world.random.pick([0o600, 0o644]), directoryMode: world.random.pick([0o700, 0o755, 0o2775]))
        _ = try await registry(choice)
        let expected = DefaultOwnershipResponse(
            isSet: true, uid: choice.uid, gid: choice.gid, fileMode: choice.fileMode,
            directoryMode: choice.directoryMode)
        cluster.defaultOwnership.observed(expected, from: invoked, to: world.now)
    }

    private func registry<R: RegistryRPC>(_ request: R) async throws(ClientError) -> R.Response {
        let result = await withCheckedContinuation { continuation in
            registry.call(request) { continuation.resume(returning: $0) }
        }
        do throws(RegistryCallError) {
            return try result.get()
        } catch {
            throw ClientError(registry: error, "\(R.kind)")
        }
    }
}

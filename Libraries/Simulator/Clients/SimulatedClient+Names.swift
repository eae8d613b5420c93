import Client
import Protocol

/// The namespace.
extension SimulatedClient {
    func lookup(_ place: Place) async throws(ClientError) -> Meaning {
        let found = try await client.lookup(place.name, in: place.directory)
        return Meaning(target: found.targetId, creationTime: found.creationTime)
    }

    func list(_ directory: InodeID) async throws(ClientError) {
        _ = try await client.readDirectory(directory)
    }

    func history(_ place: Place) async throws(ClientError) -> [Edge] {
        try await call(
            FullReadDirRequest(
                dirId: place.directory, flags: [.backwards, .current, .sameName], startName: place.name,
                startTime: .zero, limit: 0, mtu: 8972),
            shard: place.directory.shard
        ).results
    }

    func makeDirectory(_ place: Place, change: InodeChange = .nothing) async throws(ClientError) {
        try await perform("mkdir") { (operation) throws(ClientError) in
            do throws(ClientError) {
                let made = try await client.makeDirectory(place.name, in: place.directory, change: change)
                let meaning = Meaning(target: made.id, creationTime: made.creationTime)
                cluster.names.observed(place, meaning, from: operation.begun, to: world.now)
            } catch {
                judgeRefusedNaming(of: place, by: operation, error)
                throw error
            }
        }
    }

    func unlink(_ place: Place) async throws(ClientError) {
        let old = try await lookup(place)
        await hesitate()
        try await perform(old.target.isDirectory ? "rmdir" : "unlink") { (operation) throws(ClientError) in
            let expected = world.random.perMille(500) ? old.target : nil
            do throws(ClientError) {
                if old.target.isDirectory {
                    try await client.removeDirectory(place.name, in: place.directory, expecting: expected)
                } else {
                    try await client.unlink(place.name, in: place.directory, expecting: expected)
                }
                judgeRemoval(of: place, by: operation, nil)
            } catch {
                judgeRemoval(of: place, by: operation, error)
                throw error
            }
        }
    }

    func rename(_ source: Place, to destination: Place) async throws(ClientError) {
        guard source != destination else { return }
        try await perform("rename") { (operation) throws(ClientError) in
            do throws(ClientError) {
                try await client.rename(
                    source.name, in: source.directory, to: destination.name, in: destination.directory,
                    replacesDirectory: world.random.perMille(700), bringsAttributes: world.random.perMille(500))
                judgeRemoval(of: source, by: operation, nil)
            } catch {
                // Who does not see at its new place what was moved, as somebody has taken it from there, cannot know
                // who took the old name.
                if cluster.names.haveActedLast(operation.namings(of: destination), at: destination) {
                    judgeRemoval(of: source, by: operation, error)
                }
                throw error
            }
        }
    }

    /// Brings a removed file back under its name.
    func resurrect(_ place: Place) async throws(ClientError) {
        let snapshots = try await history(place).filter { !$0.current && $0.targetId.flag }
        guard let edge = snapshots.first else { throw ClientError(.refused(.edgeNotFound), "resurrection") }
        _ = try await call(
            SameDirectoryRenameSnapshotRequest(
                targetId: edge.targetId.id, dirId: place.directory, oldName: place.name,
                oldCreationTime: edge.creationTime, newName: place.name),
            shard: place.directory.shard)
    }

    /// Now and then long enough for others to change what has been looked at.
    func hesitate() async {
        if world.random.perMille(80) { await world.sleep(world.random.spread(10_000_000...10_000_000_000)) }
    }
}

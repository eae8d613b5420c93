import Client
import Glibc
import Protocol

extension Filesystem {
    /// What a name in a directory leads to.
    public func lookup(_ name: [UInt8], in parent: NodeID) async throws(FilesystemError) -> Entry {
        try Self.checkName(name)
        let place = Place(directory: try directory(parent), name: name)
        if let node = stagedNames.node(at: place), let staged = stagedFiles[node] { return entry(for: staged) }
        let found = try await posix { () throws(ClientError) in try await client.lookup(name, in: place.directory) }
        // Counted before it is certain, so that the node stays while we ask.
        let node = nodes.node(for: NodeID(found.targetId))
        node.references += 1
        do {
            let attributes = try await attributes(of: node)
            node.place = place
            return Entry(attributes: attributes, validSeconds: caching.names)
        } catch {
            nodes.forget(node.id, 1)
            throw error
        }
    }

    /// Gives up `count` references of a node.
    public func forget(_ node: NodeID, _ count: UInt64) {
        nodes.forget(node, count)
    }

    /// An entry of what has just got its name.
    func entry(_ found: InodeAttributes, at place: Place) -> Entry {
        let node = nodes.node(for: NodeID(found.id))
        node.references += 1
        node.place = place
        remember(found, node)
        return Entry(attributes: attributes(found, of: node.id), validSeconds: caching.names)
    }

    func entry(for staged: StagedFile) -> Entry {
        let node = nodes.node(for: staged.node)
        node.references += 1
        return Entry(attributes: attributes(of: staged), validSeconds: caching.names)
    }
}

import Client
import Glibc
import Protocol

extension Filesystem {
    /// What a name in a directory leads to. `.` and `..` are for front ends that remember nodes beyond all forgetting,
    /// such as NFS.
    public func lookup(_ name: [UInt8], in parent: NodeID) async throws(FilesystemError) -> Entry {
        if let found = try await snapshotEntry(name, in: parent) { return found }
        if name == Array(".".utf8) { return try await entry(for: met(parent)) }
        if name == Array("..".utf8) { return try await entry(for: parentNode(of: parent)) }
        try Self.checkName(name)
        let place = Place(directory: try directory(parent), name: name)
        return try await telling("lookup", of: place) { () throws(FilesystemError) in try await find(place) }
    }

    private func find(_ place: Place) async throws(FilesystemError) -> Entry {
        while true {
            if let id = stagedNames.node(at: place), let staged = stagedFiles[id] {
                return try await entry(for: staged.node)
            }
            let start = moves
            let edge = try await posix { () throws(ClientError) in
                try await client.lookup(place.name, in: place.directory)
            }
            // Somebody may have begun to write it here meanwhile, or published what the answer does not know.
            guard stagedNames.node(at: place) == nil, let node = try await node(for: edge.targetId, since: start)
            else { continue }
            node.wasLinked(at: edge.creationTime)
            let found = try await entry(for: node)
            if node.staged == nil { node.place = place }
            return found
        }
    }

    /// The node of what a name leads to; nil when that is not so any more, because of what was published here.
    private func node(for target: InodeID, since start: UInt64) async throws(FilesystemError) -> Node? {
        if let known = nodes.node(standingFor: target) { return known }
        guard target.isFile else { return nodes.node(for: NodeID(target)) }
        let version = try await posix { () throws(ClientError) in try await client.version(of: target) }
        let node = nodes.node(ofFile: version.number)
        // What is being written here hides it.
        if node.staged != nil { return node }
        let found = await follow(node, to: version, since: start)
        if found !== node { nodes.dropIfUnused(node) }
        return found
    }

    private func parentNode(of id: NodeID) async throws(FilesystemError) -> Node {
        let inode = try directory(id)
        if let known = nodes[id]?.place { return nodes.node(for: NodeID(known.directory)) }
        guard inode != .root else { return nodes.node(for: .root) }
        let owner = try await posix { () throws(ClientError) in try await client.statDirectory(inode) }.owner
        guard !owner.isNull else { throw .stale }
        return nodes.node(for: NodeID(owner))
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
        return Entry(attributes: attributes(found, of: node), validSeconds: caching.names)
    }

    /// Counts a reference, before it is certain that there will be an answer, so that the node stays.
    func entry(for node: Node) async throws(FilesystemError) -> Entry {
        node.references += 1
        do throws(FilesystemError) {
            return Entry(attributes: try await attributes(of: node), validSeconds: caching.names)
        } catch {
            nodes.forget(node.id, 1)
            throw error
        }
    }
}

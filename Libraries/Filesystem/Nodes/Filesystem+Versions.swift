import Client
import Glibc
import Protocol

// Which version of its file a node stands for. Others publish newer ones on other hosts.

extension Filesystem {
    /// The node that a front end means, which may be one that nobody has met by a name here: then it stands for the
    /// newest version of the file with that number.
    func met(_ id: NodeID) async throws(FilesystemError) -> Node {
        if let known = nodes[id] { return known }
        guard id.inode.isFile else { return nodes.node(for: id) }
        let start = moves
        let version = try await posix { () throws(ClientError) in
            try await client.newestVersion(ofFile: id.inode)
        }
        let node = nodes.node(for: id)
        follow(node, to: version, since: start)
        return node
    }

    /// Looks at the cluster for what the node's name leads to by now, and stands for that if it is another version of
    /// the same file.
    /// - Throws: ESTALE when it is another file, or none. Who looks the name up again finds that.
    func confirm(_ node: Node) async throws(FilesystemError) {
        guard node.content.isFile else { return }
        while node.staged == nil, let place = node.place {
            let start = moves
            let target = try await posix { () throws(ClientError) in
                try await client.target(of: place.name, in: place.directory)
            }
            guard node.staged == nil, node.place == place else { continue }
            if target == node.content { return }
            guard target.isFile else { throw .stale }
            let version: FileVersion
            do {
                version = try await client.version(of: target)
            } catch {
                if error.isRefusal(.fileNotFound) { throw .stale }
                throw FilesystemError(error)
            }
            guard node.staged == nil, node.place == place else { continue }
            guard version.number == node.number else { throw .stale }
            if follow(node, to: version, since: start) { return await observer.heard() }
        }
    }

    /// The node stands for another version, which somebody else has published.
    /// - Parameter start: `moves` when it was asked for: what was published here since is newer.
    /// - Returns: whether it does now.
    @discardableResult
    func follow(_ node: Node, to version: FileVersion, since start: UInt64) -> Bool {
        guard node.staged == nil, node.lastMove <= start else { return false }
        let found = version.attributes
        if node.content != found.id || node.number != version.number {
            stand(node, for: found.id, number: version.number)
            if node.references > 0 || node.handles > 0 { observer.contentChanged(node.id) }
        }
        remember(found, node)
        return true
    }

    func stand(_ node: Node, for version: InodeID, number: InodeID) {
        nodes.replace(node, by: version, number: number)
        moves += 1
        node.lastMove = moves
    }

    /// A version that the node stands for is gone: it was superseded, and its grace is over.
    /// - Returns: whether there is a newer one, which the node stands for now.
    func followNewest(_ node: Node) async throws(FilesystemError) -> Bool {
        let (start, content, number) = (moves, node.content, node.number)
        let version: FileVersion
        do {
            version = try await client.newestVersion(ofFile: number, near: content)
        } catch {
            if error.isRefusal(.fileNotFound) { return false }
            throw FilesystemError(error)
        }
        guard version.attributes.id != content else { return false }
        follow(node, to: version, since: start)
        return true
    }
}

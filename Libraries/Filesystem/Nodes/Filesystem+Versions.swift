import Client
import Glibc
import Mutations
import Protocol

// Which version of its file a node stands for. Others publish newer ones on other hosts: whoever has the file open here
// goes on with one that begins with all that he could read; otherwise he keeps what he has, and the newer version gets
// a node of its own until he is done.

extension Filesystem {
    /// The node that a front end means, which may be one that nobody has met by a name here: then it stands for the
    /// newest version of the file with that number.
    func met(_ id: NodeID) async throws(FilesystemError) -> Node {
        guard !id.isSnapshot else { throw .readOnly }
        if let known = nodes[id] { return known }
        guard id.inode.isFile else { return nodes.node(for: id) }
        let start = moves
        let version = try await posix { () throws(ClientError) in
            try await client.newestVersion(ofFile: id.inode)
        }
        let node = nodes.node(for: id)
        if node.lastMove <= start, !node.isInUse { move(node, to: version) }
        return node
    }

    /// Looks at the cluster for what the node's name leads to by now, and stands for that if it is another version of
    /// the same file.
    /// - Throws: ESTALE when the node stays what it is. Who looks the name up again finds what is there.
    func confirm(_ node: Node) async throws(FilesystemError) {
        guard node.content.isFile else { return }
        if let staged = node.staged, try await target(of: staged) == nil { throw .stale }
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
            guard version.number == node.number, !nodes.isApart(node) else { throw .stale }
            guard let found = await follow(node, to: version, since: start) else { continue }
            guard found === node else {
                nodes.dropIfUnused(found)
                throw .stale
            }
            return
        }
    }

    /// Somebody else has published a version of a node's file.
    /// - Parameter start: `moves` when it was asked for: what was published here since is newer.
    /// - Returns: the node that stands for it now; nil when it is not the newest any more.
    func follow(_ node: Node, to version: FileVersion, since start: UInt64) async -> Node? {
        func isNews() -> Bool { node.staged == nil && node.lastMove <= start }
        guard isNews() else { return nil }
        let (content, found) = (node.content, version.attributes)
        if content == found.id || !node.isHeld {
            move(node, to: version)
            return node
        }
        let continues = await self.continues(node, found)
        guard isNews() else { return nil }
        guard !continues, let other = nodes.setApart(node, from: found.id) else {
            move(node, to: version)
            return node
        }
        remember(found, other)
        return other
    }

    /// Whether a version begins with all of the node's. What cannot be compared is another one.
    private func continues(_ node: Node, _ found: InodeAttributes) async -> Bool {
        guard let size = node.contentSize, !Mutation.readersAreMixedUp.isPlanted else { return node.contentSize != nil }
        do {
            return try await client.version(found.id, found.size, continues: node.content, size)
        } catch {
            return false
        }
    }

    func move(_ node: Node, to version: FileVersion) {
        let found = version.attributes
        if node.content != found.id || node.number != version.number {
            stand(node, for: found.id, number: version.number)
            node.foreignMoves += 1
            if node.references > 0 || node.handles > 0 { contentChanged(node) }
        }
        remember(found, node)
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
        guard version.attributes.id != content, !nodes.isApart(node) else { return false }
        guard let found = await follow(node, to: version, since: start) else { return node.content != content }
        if found !== node { nodes.dropIfUnused(found) }
        return found === node
    }

    // MARK: Edits

    /// The version that the name of an edit leads to by now; its base where nobody has to look. Nil: others have
    /// removed the file or put another one there, so that the name means that for everybody, and nothing comes of the
    /// edit, as its close will tell.
    func target(of staged: StagedFile) async throws(FilesystemError) -> InodeID? {
        let node = staged.node
        while true {
            let (base, place) = (base(of: staged), staged.place)
            let isFound = staged.isNew || staged.isUnlinked || staged.state != .building || node.staged !== staged
            guard !isFound, numbersFiles, !Mutation.editsKeepTheirNames.isPlanted else { return base }
            guard node.movers == 0 else {
                await node.change()
                continue
            }
            let target = try await posix { () throws(ClientError) in
                try await client.target(of: place.name, in: place.directory)
            }
            let isSame = target == base ? true : try await isVersion(target, of: staged.number)
            // What was done here meanwhile may be what was found.
            let isOld = staged.place != place || staged.isUnlinked || staged.state != .building || node.movers > 0
            guard !isOld, self.base(of: staged) == base else { continue }
            if isSame { return target }
            if try await followName(staged) { continue }
            guard self.base(of: staged) == base, staged.place == place, staged.state == .building else { continue }
            detach(staged)
            staged.isTaken = true
            return nil
        }
    }

    func isVersion(_ target: InodeID, of number: InodeID?) async throws(FilesystemError) -> Bool {
        guard target.isFile else { return false }
        do {
            return try await client.version(of: target).number == number
        } catch {
            guard error.isRefusal(.fileNotFound) else { throw FilesystemError(error) }
            return false
        }
    }

    /// The inode whose owner, rights and extended attributes a node has: the version that it stands for, but while that
    /// is edited here the newest one, which others may have published and protected since.
    func holder(of node: Node) async throws(FilesystemError) -> InodeAttributes {
        while true {
            if let known = knownHolder(of: node) { return known }
            guard let staged = editHeldElsewhere(node) else { return try await inode(of: node) }
            let content = node.content
            let found: InodeAttributes
            do {
                found = try await client.newestVersion(ofFile: node.number, near: content).attributes
            } catch {
                // Another host has removed it for good.
                guard error.isRefusal(.fileNotFound) else { throw FilesystemError(error) }
                return try await inode(of: node)
            }
            guard node.staged === staged, node.content == content else { continue }
            remember(found, node)
            staged.remember(rights: found, until: freshUntil(found.id))
            return found
        }
    }

    /// The same, if it is known well enough.
    func knownHolder(of node: Node) -> InodeAttributes? {
        let now = loop.monotonicNanoseconds
        guard let staged = editHeldElsewhere(node) else { return node.attributes(at: now) }
        return staged.rights(at: now)
    }

    /// The edit of a file whose newest version may be another one than the node's.
    private func editHeldElsewhere(_ node: Node) -> StagedFile? {
        guard let staged = node.staged, !staged.isNew, !staged.isUnlinked, staged.own == nil, storesOwnership else {
            return nil
        }
        return staged
    }
}

import Client
import Mutations
import Protocol

extension Filesystem {
    /// What `attributes` answers where nobody has to be asked; nil otherwise.
    public func attributesNow(_ id: NodeID) -> Attributes? {
        guard let node = nodes[id] else { return nil }
        if let staged = node.staged {
            guard staged.own != nil else { return nil }
            staged.toldModified = staged.modified
            return attributes(of: staged)
        }
        if node.content.isDirectory { return knownOfDirectory(node) }
        return node.attributes(at: loop.monotonicNanoseconds).map { attributes($0, of: node) }
    }

    public func attributes(_ id: NodeID) async throws(FilesystemError) -> Attributes {
        if id.isSnapshot { return try await snapshotAttributes(id) }
        let node = try await met(id)
        defer { nodes.dropIfUnused(node) }
        if let staged = node.staged { staged.toldModified = staged.modified }
        do {
            return try await attributes(of: node)
        } catch {
            // Who came here by a name that his kernel remembers looks at what has that by now.
            guard error.isRefusal(.fileNotFound), !Mutation.goneFilesTakeTheirNames.isPlanted else { throw error }
            throw .stale
        }
    }

    /// Kernels forget what they know of a directory once they have made a file in it, and ask before they look up the
    /// next name. What was told last holds for as long as it would have held without that file.
    private func knownOfDirectory(_ node: Node) -> Attributes? {
        guard let (found, validNanoseconds) = node.takeGrowth(at: loop.monotonicNanoseconds) else { return nil }
        var known = attributes(found, of: node)
        known.validSeconds = Double(validNanoseconds) / 1e9
        return known
    }

    func attributes(of node: Node) async throws(FilesystemError) -> Attributes {
        // Directories change under us.
        if node.content.isDirectory { node.forgetAttributes() }
        while true {
            if let staged = node.staged {
                await confirmOwnership(of: staged)
                if node.staged === staged { return attributes(of: staged) }
                continue
            }
            let found = try await inode(of: node)
            // Begun to be written while we asked.
            if node.staged == nil, node.content == found.id { return attributes(found, of: node) }
        }
    }

    /// An edit has the owner and the rights of what it is an edit of, which somebody else may change meanwhile. What
    /// cannot be asked for now is what it was.
    private func confirmOwnership(of staged: StagedFile) async {
        guard staged.own == nil, storesOwnership else { return }
        _ = try? await holder(of: staged.node)
    }

    func remember(_ attributes: InodeAttributes, _ node: Node) {
        node.remember(attributes, until: freshUntil(attributes.id))
    }

    /// How long what is known of an inode now may be believed.
    func freshUntil(_ id: InodeID) -> UInt64 {
        let seconds = id.isDirectory ? caching.names : fileSeconds
        return loop.monotonicNanoseconds &+ UInt64(seconds * 1e9)
    }

    func attributes(_ found: InodeAttributes, of node: Node) -> Attributes {
        let stored = found.stored
        return Attributes(
            node: node.id, type: found.id.type, size: found.size, holeBytes: stored?.holeBytes ?? 0,
            modified: stored?.modified ?? found.modified, accessed: stored?.accessed ?? found.accessed,
            changed: stored.map {
                ChangeTime.shown(
                    changed: $0.changed, modified: found.id.isFile ? found.modified : nil, linked: node.linked)
            },
            links: node.isUnlinked ? 0 : 1,
            permissions: stored.flatMap { permissions($0.ownership, of: found.id.type) }, special: stored?.special,
            validSeconds: found.id.isFile ? fileSeconds : caching.names)
    }

    /// Of a file that somebody has just made. His kernel asks whether he may open it, which it knows then. Whoever asks
    /// for the times in the same moment hears those of its making, which are not those of its close if he writes nothing.
    func attributesOfNew(_ staged: StagedFile) -> Attributes {
        var new = attributes(of: staged)
        // A kernel counts in ticks, and one that has begun counts.
        new.validSeconds = 0.001
        return new
    }

    /// To be believed by nobody for any time: every write changes them, and so does publishing.
    func attributes(of staged: StagedFile) -> Attributes {
        let last = staged.lastRights?.stored?.ownership ?? staged.node.lastOwnership
        let ownership = last.with(staged.changed)
        var rights = storesOwnership ? staged.own?.permissions ?? permissions(ownership, of: .file) : nil
        if staged.clearsPrivileges, let mode = rights?.mode { rights?.mode = Permissions.withoutPrivileges(mode) }
        return Attributes(
            node: staged.node.id, type: .file, size: staged.size, modified: staged.chosenModified ?? staged.modified,
            accessed: staged.chosenAccessed ?? staged.modified, changed: max(staged.modified, staged.attributesChanged),
            links: staged.isUnlinked ? 0 : 1,
            permissions: rights, special: staged.special, validSeconds: 0)
    }
}

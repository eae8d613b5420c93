import Client
import Protocol

// Whose files are. What an inode does not say is the cluster's, and what the cluster cannot keep is the front end's.

extension Filesystem {
    /// Whether the cluster can keep attributes. On the loop only, which is the client's.
    nonisolated var keepsAttributes: Bool { client.assumeIsolated { $0.storesAttributes } }

    /// Whether the cluster tells versions of a file from other files.
    nonisolated var numbersFiles: Bool { client.assumeIsolated { $0.numbersFiles } }

    /// Learns whether rights are stored, and what the cluster shows where nothing was set. To be called once the client
    /// was started, before anything else.
    public func begin() async throws(FilesystemError) {
        guard options.ownership == .stored, keepsAttributes else { return }
        defaults = try await posix { () throws(ClientError) in try await client.defaultOwnership() }
        defaultsUntil = loop.monotonicNanoseconds &+ options.defaultsNanoseconds
        storesOwnership = true
    }

    /// Somebody may choose another owner for the cluster: who asks for attributes has it asked for now and then.
    func renewDefaults() {
        let now = loop.monotonicNanoseconds
        guard storesOwnership, now >= defaultsUntil else { return }
        defaultsUntil = now &+ options.defaultsNanoseconds
        loop.task { await self.askForDefaults() }
    }

    private func askForDefaults() async {
        do {
            defaults = try await client.defaultOwnership()
        } catch {
            // What is known stays in force, and is asked for again.
            logger.debug("the owner of what nobody was given was not learnt: \(error)")
        }
    }

    /// How long attributes of finished files may be believed: rights that somebody takes away as long as a name.
    var fileSeconds: Double { storesOwnership ? min(caching.names, caching.files) : caching.files }

    /// Whose something is; nil where that is not stored.
    func permissions(_ ownership: Ownership, of type: InodeType) -> Permissions? {
        guard storesOwnership else { return nil }
        let usual = type == .directory ? defaults.directoryMode : defaults.fileMode
        return Permissions(
            mode: type == .symlink ? 0o777 : ownership.mode ?? usual, user: ownership.uid ?? defaults.uid,
            group: ownership.gid ?? defaults.gid)
    }

    /// What has to be said of it to the cluster: nothing if all is as where nothing was set.
    func ownership(_ permissions: Permissions, of type: InodeType) -> Ownership {
        guard permissions != self.permissions(Ownership(), of: type) else { return Ownership() }
        return Ownership(
            mode: type == .symlink ? nil : permissions.mode, uid: permissions.user, gid: permissions.group)
    }

    // MARK: What is made

    /// What something begins with that is made in a directory; nil where that is not stored.
    func initialAttributes(
        _ kind: Inheritance.Kind, mode: UInt16, in parent: NodeID, by caller: Caller
    ) async throws(FilesystemError) -> InitialAttributes? {
        guard storesOwnership else { return nil }
        var initial = try await inheritance(in: parent).made(kind, mode: mode, by: caller)
        if kind == .file, Permissions.runsAsGroup(initial.permissions.mode),
            await !mayKeepSetGroup(caller, initial.permissions)
        {
            initial.permissions.mode &= ~Permissions.setGroup
        }
        return initial
    }

    /// What a directory gives to what is made in it. Front ends have looked at the directory just before, so that this
    /// hardly ever asks anybody.
    private func inheritance(in parent: NodeID) async throws(FilesystemError) -> Inheritance {
        _ = try directory(parent)
        let node = nodes.node(for: parent)
        defer { nodes.dropIfUnused(node) }
        let found = try await inode(of: node)
        guard let stored = found.stored, let own = permissions(stored.ownership, of: .directory) else {
            return Inheritance()
        }
        return Inheritance(own, try await extendedAttributes(of: node))
    }

    /// What the cluster knows of the inode that a node stands for, or did a moment ago. Nothing of a staged file.
    func inode(of node: Node) async throws(FilesystemError) -> InodeAttributes {
        while true {
            if let known = node.attributes(at: loop.monotonicNanoseconds) { return known }
            renewDefaults()
            let content = node.content
            let found: InodeAttributes
            do {
                found = try await client.attributes(of: content)
            } catch {
                guard content.isFile, node.staged == nil, error.isRefusal(.fileNotFound), try await followNewest(node)
                else { throw FilesystemError(error) }
                continue
            }
            guard node.content == content else { continue }
            remember(found, node)
            return found
        }
    }

    func change(_ initial: InitialAttributes?, of type: InodeType) -> InodeChange {
        guard let initial else { return InodeChange() }
        return InodeChange(
            ownership: ownership(initial.permissions, of: type),
            extended: initial.extended.names.map { .set($0, initial.extended[$0] ?? []) })
    }

    /// What is known of an inode that was just made.
    func made(
        _ id: InodeID, _ time: Timestamp, size: UInt64 = 0, _ initial: InitialAttributes?
    ) -> InodeAttributes {
        var stored: StoredAttributes?
        if keepsAttributes {
            stored = StoredAttributes(
                ownership: initial.map { ownership($0.permissions, of: id.type) } ?? Ownership(), changed: time,
                modified: time, accessed: time, extendedBytes: initial?.extended.bytes ?? 0)
        }
        return InodeAttributes(id: id, modified: time, accessed: time, size: size, stored: stored)
    }
}

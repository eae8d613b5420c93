import Client
import Glibc
import Mutations
import Protocol

// An edit inherits what its base has at the moment of publishing, unless that is of another shard than its name, which
// knows nothing of it: then it brings everything along.

/// What an edit has that has to say so itself.
struct BroughtAttributes {
    var ownership: Ownership
    var extended: ExtendedAttributes
    /// Of which inode they are; nil: that is gone.
    var origin: InodeID?

    /// What it is published with, until it is complete.
    var change: InodeChange {
        var extended = extended
        if origin != nil {
            // What there is no room for comes later. Without its list a file would give others rights.
            while !hasRoom(extended), let last = extended.names.last(where: { !ExtendedAttributes.isList($0) }) {
                extended[last] = nil
            }
        }
        var change = InodeChange(
            ownership: ownership, extended: extended.names.map { .set($0, extended[$0] ?? []) })
        if let origin, hasRoom(extended) {
            change.extended.append(.set(ExtendedAttributes.origin, ExtendedAttributes.encoded(origin: origin)))
        }
        return change
    }

    private func hasRoom(_ extended: ExtendedAttributes) -> Bool {
        extended.bytes + ExtendedAttributes.originBytes <= AttributeLimits.extendedBytes
    }
}

extension Filesystem {
    /// All that the file has if its base is of another shard than its name. Nil: it has its own, or inherits from its
    /// base.
    func attributesToBring(_ staged: StagedFile) async throws(FilesystemError) -> BroughtAttributes? {
        // Whether or not anybody looks at them here: others do.
        guard keepsAttributes, staged.own == nil, staged.number != nil,
            base(of: staged).shard != staged.place.directory.shard
        else { return nil }
        if Mutation.movedEditsLoseTheirOwner.isPlanted { return nil }
        // Not while what is left to be stored takes its time.
        let writer = staged.writer
        try await posix { () throws(ClientError) in try await writer.stored() }
        return try await brought(by: staged)
    }

    private func brought(by staged: StagedFile) async throws(FilesystemError) -> BroughtAttributes {
        let base = base(of: staged)
        var found: StoredRights?
        try await outlastingOutages { () throws(FilesystemError) in
            found = try await storedRights(of: base)
            // It may have come from another shard itself.
            while let incomplete = found, ExtendedAttributes.origin(in: incomplete.list) != nil {
                try await completeRights(of: base)
                found = try await storedRights(of: base)
            }
        }
        var ownership = (found?.ownership ?? lastOwnershipWithoutList(of: staged)).with(staged.changed)
        // Nobody vouches for who writes where nobody looks at rights.
        if staged.clearsPrivileges || !storesOwnership, let mode = ownership.mode {
            ownership.mode = Permissions.withoutPrivileges(mode)
        }
        return BroughtAttributes(
            ownership: ownership, extended: found?.extended ?? ExtendedAttributes(),
            origin: found == nil ? nil : base)
    }

    /// Of a file that is not there any more: what a list of access gave is not at hand.
    private func lastOwnershipWithoutList(of staged: StagedFile) -> Ownership {
        let last = staged.node.lastOwnership
        guard staged.node.mayHaveExtended, let permissions = permissions(last, of: .file) else { return last }
        return ownership(permissions.withoutList, of: .file)
    }

    /// What an edit has, for a node that nobody finds under a name any more.
    func lastAttributes(of staged: StagedFile) async throws(FilesystemError) -> InitialAttributes? {
        let brought = try await brought(by: staged)
        return permissions(brought.ownership, of: .file).map {
            InitialAttributes(permissions: $0, extended: brought.extended)
        }
    }

    /// What its origin was given since that was read the version gets that was published.
    func completeRights(of staged: StagedFile, _ brought: BroughtAttributes?) async {
        guard brought?.origin != nil, !Mutation.lateChangesStayBehind.isPlanted else { return }
        staged.wasCompletedLate = true
        let (place, id) = (staged.place, staged.writer.id)
        do throws(FilesystemError) {
            try await outlastingOutages { () throws(FilesystemError) in
                var newest = id
                // Somebody may have published a next version already, which was as incomplete.
                while try await completeRights(of: newest) || newest == id {
                    let target = try await posix { () throws(ClientError) in
                        try await client.target(of: place.name, in: place.directory)
                    }
                    guard target != newest, target.type == .file else { return }
                    newest = target
                }
            }
        } catch {
            // It is published, and has what it was published with until somebody changes its rights.
            report("chmod", place, error)
        }
    }
}

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
    /// The ctime of its base when they were read.
    var changed: Timestamp

    var change: InodeChange {
        InodeChange(ownership: ownership, extended: extended.names.map { .set($0, extended[$0] ?? []) })
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
        var (found, extended) = (StoredAttributes?.none, ExtendedAttributes())
        try await outlastingOutages { () throws(FilesystemError) in
            do throws(ClientError) {
                found = try await client.attributes(of: base).stored
                guard let found, found.extendedBytes > 0 else { return }
                extended = ExtendedAttributes(try await client.extendedAttributes(of: base))
                extended[ExtendedAttributes.capability] = nil
            } catch {
                // It was collected meanwhile.
                guard error.isRefusal(.fileNotFound) else { throw FilesystemError(error) }
            }
        }
        var ownership = (found?.ownership ?? lastOwnershipWithoutList(of: staged)).with(staged.changed)
        // Nobody vouches for who writes where nobody looks at rights.
        if staged.clearsPrivileges || !storesOwnership, let mode = ownership.mode {
            ownership.mode = Permissions.withoutPrivileges(mode)
        }
        return BroughtAttributes(ownership: ownership, extended: extended, changed: found?.changed ?? .zero)
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

    /// Somebody may have changed the base after it was read what it has, and before he could see what took its place. Who
    /// has seen that since changes it as well, and may do so while his earlier change is added here: then the base has
    /// his later one, too.
    func bringingTheRest(
        _ version: PublishedVersion, of staged: StagedFile, _ brought: BroughtAttributes?
    ) async throws(ClientError) -> PublishedVersion {
        guard let brought, brought.changed != .zero, !Mutation.lateChangesStayBehind.isPlanted else { return version }
        var version = version
        let id = staged.writer.id
        var before = brought
        do throws(FilesystemError) {
            while true {
                let now = try await self.brought(by: staged)
                guard now.changed != .zero, now.changed != before.changed else { return version }
                let last = before
                try await outlastingOutages { () throws(FilesystemError) in
                    try await posix { () throws(ClientError) in
                        let there = try await client.attributes(of: id).stored?.ownership ?? last.ownership
                        let change = now.change(since: last, there)
                        guard change != .nothing else { return }
                        version.ownership = try await client.setAttributes(id, change).ownership
                    }
                }
                before = now
            }
        } catch {
            // It is published, and has what it was published with.
            report("chmod", staged.place, error)
        }
        return version
    }
}

extension BroughtAttributes {
    /// What has to be said of what is another than it was. What somebody has changed of the new version since is newer.
    /// - Parameter there: what that has now.
    fileprivate func change(since before: BroughtAttributes, _ there: Ownership) -> InodeChange {
        func changed<T: Equatable>(_ part: (Ownership) -> T?) -> T? {
            part(ownership) != part(before.ownership) && part(there) == part(before.ownership) ? part(ownership) : nil
        }
        var change = InodeChange(
            ownership: Ownership(mode: changed(\.mode), uid: changed(\.uid), gid: changed(\.gid)))
        for name in Set(extended.names + before.extended.names) where extended[name] != before.extended[name] {
            change.extended.append(extended[name].map { .set(name, $0) } ?? .drop(name))
        }
        return change
    }
}

import Client
import Mutations
import Protocol

// A version of a file that was moved is completed by whoever has published it, at once, or before that by whoever wants
// to change its rights: so what was changed of its origin before it was published is older than all that is changed of
// itself. Whoever changes its origin later looks at the name afterwards and changes the version as well.

/// What counts of an inode's attributes for the next version of its file.
struct StoredRights {
    var ownership: Ownership
    var list: [ExtendedAttribute] = []

    /// Capabilities go with the bytes that they were given to.
    var extended: ExtendedAttributes {
        var extended = ExtendedAttributes(list)
        extended[ExtendedAttributes.capability] = nil
        return extended
    }
}

extension Filesystem {
    /// Nil: the inode is gone, as a version is that was collected meanwhile.
    func storedRights(of id: InodeID) async throws(FilesystemError) -> StoredRights? {
        do throws(ClientError) {
            guard let found = try await client.attributes(of: id).stored else { return nil }
            var rights = StoredRights(ownership: found.ownership)
            if found.extendedBytes > 0 { rights.list = try await client.extendedAttributes(of: id) }
            return rights
        } catch {
            guard error.isRefusal(.fileNotFound) else { throw FilesystemError(error) }
            return nil
        }
    }

    /// Gives a version for good what its origin has by now.
    /// - Returns: whether that was still to be done. If so, somebody may have done it at the same time.
    @discardableResult
    func completeRights(of version: InodeID) async throws(FilesystemError) -> Bool {
        guard let there = try await storedRights(of: version),
            let origin = ExtendedAttributes.origin(in: there.list)
        else { return false }
        let now = origin.type == .file ? try await storedRights(of: origin) : nil
        let change = now?.change(completing: there) ?? InodeChange(extended: [.remove(ExtendedAttributes.origin)])
        do throws(ClientError) {
            _ = try await client.setAttributes(version, change)
        } catch {
            guard error.isRefusal(.attributeNotFound) else { throw FilesystemError(error) }
        }
        return true
    }

    /// To be called before rights of a version are changed, or computed from what they are.
    func completeRights(of version: InodeID, _ node: Node) async throws(FilesystemError) {
        guard version.type == .file, storesOwnership, !Mutation.incompleteRightsAreChanged.isPlanted else { return }
        // A version is incomplete from its beginning, or never.
        if node.content == version, !node.mayHaveExtended { return }
        if let known = node.staged?.lastRights, known.id == version, known.stored?.extendedBytes == 0 { return }
        guard try await completeRights(of: version) else { return }
        node.forgetAttributes()
        node.staged?.forgetRights()
    }
}

extension StoredRights {
    /// What has to be said of a version that was published with what this was then, and has that still.
    fileprivate func change(completing there: StoredRights) -> InodeChange {
        var change = InodeChange(extended: [.remove(ExtendedAttributes.origin)])
        if there.ownership.with(ownership) != there.ownership {
            change.ownership = ownership
            // Its bytes may be somebody's by now who could not give a program rights.
            change.ownership.mode = ownership.mode.map(Permissions.withoutPrivileges)
        }
        let (before, now) = (there.extended, extended)
        for name in Set(before.names + now.names).sorted(by: { $0.lexicographicallyPrecedes($1) })
        where now[name] != before[name] {
            change.extended.append(now[name].map { .set(name, $0) } ?? .drop(name))
        }
        return change
    }
}

import Client
import Glibc
import Logging
import Mutations
import Protocol

extension Filesystem {
    /// More attempts than anybody else's appends can explain: each is tried again only when another one succeeded.
    private static let attemptLimit = 1000

    /// Gives the file its name, if that leads to what it has to.
    func link(_ staged: StagedFile) async throws(FilesystemError) -> PublishedVersion {
        for _ in 0..<Self.attemptLimit {
            if staged.place.directory.shard != staged.home.shard {
                try await bringHome(staged)
            }
            let brought = try await attributesToBring(staged)
            let keepsBase = await leavesNoSnapshot(staged)
            try await confirmCapability(of: staged)
            let (writer, publication) = (staged.writer, publication(of: staged, bringing: brought, keepsBase))
            do throws(ClientError) {
                let version = try await writer.finish(publication)
                await completeRights(of: staged, brought)
                return version
            } catch {
                guard Self.isConflict(error, staged.base) else { throw FilesystemError(error) }
            }
            if staged.isExclusive, staged.base == .nothing { throw .exists }
            if let maker = staged.sparingMaker {
                try await outlastingOutages { () throws(FilesystemError) in try await replaceOwn(staged, of: maker) }
                continue
            }
            // Where bytes belong that were not appended only who wrote them knows.
            guard staged.appendsOnly || staged.replacesAll else { throw .stale }
            try await outlastingOutages { () throws(FilesystemError) in try await rebase(staged) }
        }
        throw .stale
    }

    /// What somebody has given it here may have been taken away on another host since: then it does not come back.
    private func confirmCapability(of staged: StagedFile) async throws(FilesystemError) {
        guard let capability = staged.capability, staged.own == nil, !Mutation.capabilitiesComeBack.isPlanted else {
            return
        }
        var isThere = false
        try await outlastingOutages { () throws(FilesystemError) in
            guard let target = try await target(of: staged), let rights = try await storedRights(of: target) else {
                return
            }
            isThere = rights.list.contains { $0.name == ExtendedAttributes.capability && $0.value == capability }
        }
        if !isThere, staged.capability == capability { staged.capability = nil }
    }

    /// Whether the name leads to something else than it should.
    private static func isConflict(_ error: ClientError, _ base: Base) -> Bool {
        switch base {
        case .anything: false
        case .nothing: error.isRefusal(.cannotOverrideName)
        case .version: error.isRefusal(.mismatchingTarget)
        }
    }

    /// Whether the version that it continues is to be found in the next one only.
    private func leavesNoSnapshot(_ staged: StagedFile) async -> Bool {
        guard staged.keepsBase, case .version = staged.base else { return false }
        let directory = staged.place.directory
        do throws(FilesystemError) {
            return try await !outlastingOutages { () throws(FilesystemError) in
                try await posix { () throws(ClientError) in try await client.continuationPolicy(of: directory) }
            }.leavesSnapshot
        } catch {
            // Nothing is lost with a snapshot too many.
            logger.warning("the policy of \(directory) cannot be read, so a snapshot is left: \(error.reason)")
            return false
        }
    }

    /// - Parameter keepsBase: all of its base is in it, and that is enough.
    private func publication(
        of staged: StagedFile, bringing brought: BroughtAttributes?, _ keepsBase: Bool
    ) -> Publication {
        var publication = Publication(directory: staged.place.directory, name: staged.place.name)
        setAttributes(of: &publication, staged, brought?.change)
        if !Mutation.versionsGetNewNumbers.isPlanted { publication.number = staged.number }
        guard !Mutation.continuationReplacesAnything.isPlanted else { return publication }
        switch staged.base {
        case .anything: break
        case .nothing: publication.condition = .nothing
        case .version(let id, _):
            publication.condition = .version(id)
            // Nothing is lost with a version of which all is in the next one, nor is what somebody published on his way
            // what anybody called a version.
            publication.supersedes = keepsBase || staged.goesOn && id == staged.node.ownVersion?.id
        }
        return publication
    }

    // MARK: Attributes

    func base(of staged: StagedFile) -> InodeID {
        if case .version(let id, _) = staged.base { id } else { staged.node.content }
    }

    /// So that no other request is needed for them.
    /// - Parameter brought: all that it has, if its base is of another shard.
    private func setAttributes(of publication: inout Publication, _ staged: StagedFile, _ brought: InodeChange?) {
        guard keepsAttributes else { return }
        publication.special = staged.special
        publication.inherits = staged.own == nil && brought == nil
        if let own = staged.own {
            publication.change = change(own, of: .file)
        } else if let brought {
            publication.change = brought
        } else if storesOwnership {
            publication.change.ownership = staged.changed
            publication.keepsPrivileges = !staged.clearsPrivileges
            publication.otherwise = lastOwnership(of: staged)
        }
        if let capability = staged.capability, staged.own == nil, !Mutation.capabilitiesGoWithTheEdit.isPlanted {
            publication.change.extended.append(.set(ExtendedAttributes.capability, capability))
        }
        (publication.change.modified, publication.change.accessed) = (staged.modifiedToSet, staged.accessedToSet)
    }

    /// Whose an edit is if its name leads to something else by now, or to nothing.
    private func lastOwnership(of staged: StagedFile) -> Ownership {
        guard let last = permissions(staged.lastRights?.stored?.ownership ?? staged.node.lastOwnership, of: .file)
        else { return Ownership() }
        var permissions = last
        permissions.mode = Permissions.withoutPrivileges(permissions.mode)
        if staged.node.mayHaveExtended { permissions = permissions.withoutList }
        return ownership(permissions, of: .file)
    }

    // MARK: Another shard

    /// A file can be linked only from the shard in which it was made, which alone can compare what the name leads to:
    /// it is copied to the shard of its place, however long servers are away.
    private func bringHome(_ staged: StagedFile) async throws(FilesystemError) {
        let (old, directory, note) = (staged.writer, staged.place.directory, staged.place.name)
        try await outlastingOutages { () throws(FilesystemError) in
            // What it is missing does not come back.
            guard await old.failure == nil else { return }
            let fresh = try await posix { () throws(ClientError) in
                try await client.createFile(in: directory, note: note)
            }
            do throws(FilesystemError) {
                try await copy(old, to: fresh)
            } catch {
                await fresh.abandon()
                throw error
            }
            (staged.writer, staged.home) = (fresh, directory)
        }
        if staged.writer === old, let failure = await old.failure { throw FilesystemError(failure) }
        loop.task { await old.abandon() }
    }

    /// Zeros become holes, however the source has them.
    private func copy(_ source: FileWriter, to target: FileWriter) async throws(FilesystemError) {
        let size = await source.size
        for start in stride(from: 0, to: size, by: 1 << 20) {
            var bytes: [UInt8] = []
            try await outlastingOutages { () throws(FilesystemError) in
                guard await source.failure == nil else { return }
                bytes = try await posix { () throws(ClientError) in
                    try await source.read(at: start, count: 1 << 20).bytes
                }
            }
            try await posix { () throws(ClientError) in
                if let failure = await source.failure { throw failure }
                if !bytes.allSatisfy({ $0 == 0 }) { try await target.write(bytes, at: start) }
            }
        }
        try await posix { () throws(ClientError) in try await target.truncate(to: size) }
    }
}

import Client
import Glibc
import Protocol

extension Filesystem {
    /// mkdir(2).
    /// - Parameter mode: as `caller` asked for it, before his umask; the same below.
    public func makeDirectory(
        _ name: [UInt8], in parent: NodeID, mode: UInt16 = 0o755, by caller: Caller = .unknown
    ) async throws(FilesystemError) -> Entry {
        try await telling("mkdir", of: place(name, in: parent)) { () throws(FilesystemError) in
            let place = try free(placeToChange(name, in: parent))
            let initial = try await initialAttributes(.directory, mode: mode, in: parent, by: caller)
            let change = change(initial, of: .directory)
            let made = try await posix { () throws(ClientError) in
                try await client.makeDirectory(name, in: place.directory, change: change)
            }
            return entry(self.made(made.id, made.creationTime, initial), at: place)
        }
    }

    /// An empty file that is visible at once, as mknod(2) makes it, or one that is none for whoever opens it.
    public func makeFile(
        _ name: [UInt8], in parent: NodeID, mode: UInt16 = 0o644, special: SpecialFile? = nil,
        by caller: Caller = .unknown
    ) async throws(FilesystemError) -> Entry {
        try await telling("mknod", of: place(name, in: parent)) { () throws(FilesystemError) in
            guard special == nil || keepsAttributes else { throw FilesystemError(EPERM) }
            let place = try placeToChange(name, in: parent)
            let nobody = await creators.creator(.unknown)
            let initial = try await initialAttributes(.file, mode: mode, in: parent, by: caller)
            let staged = try await stage(place, OpenMode(writes: true, isExclusive: true), initial, by: nobody)
            staged.special = special
            let node = staged.node
            // So that the node stays.
            node.references += 1
            defer { nodes.forget(node.id, 1) }
            if let failure = await publish(staged, for: "mknod") { throw failure }
            return try await entry(for: node)
        }
    }

    public func makeSymbolicLink(
        _ name: [UInt8], in parent: NodeID, to target: [UInt8], by caller: Caller = .unknown
    ) async throws(FilesystemError) -> Entry {
        try await telling("symlink", of: place(name, in: parent)) { () throws(FilesystemError) in
            let place = try free(placeToChange(name, in: parent))
            let initial = try await initialAttributes(.symbolicLink, mode: 0o777, in: parent, by: caller)
            let change = change(initial, of: .symlink)
            let made = try await patience.run { [client] () throws(ClientError) in
                try await client.makeSymbolicLink(name, in: place.directory, target: target, change: change)
            }
            return entry(self.made(made.id, made.creationTime, size: UInt64(target.count), initial), at: place)
        }
    }

    /// Where a symbolic link leads.
    public func readSymbolicLink(_ id: NodeID) async throws(FilesystemError) -> [UInt8] {
        let inode = id.isSnapshot ? id.snapshotInode : node(id).content
        guard inode.type == .symlink else { throw .invalid }
        return try await patience.outlastingOutages { [client] () throws(ClientError) in
            try await client.readSymbolicLink(inode)
        }
    }

    /// rmdir(2).
    public func removeDirectory(
        _ name: [UInt8], in parent: NodeID, by caller: Caller = .unknown
    ) async throws(FilesystemError) {
        try await telling("rmdir", of: place(name, in: parent)) { () throws(FilesystemError) in
            let place = try placeToChange(name, in: parent)
            guard stagedNames.node(at: place) == nil else { throw FilesystemError(ENOTDIR) }
            if !stagedNames.isEmpty {
                // The cluster would call a directory empty in which only this filesystem sees something.
                let found = try await named(name) { () throws(ClientError) in
                    try await client.lookup(name, in: place.directory)
                }
                guard !stagedNames.hasNames(in: found.targetId) else { throw .notEmpty }
            }
            try await taking(place, by: caller) { target throws(ClientError) in
                try await client.removeDirectory(name, in: place.directory, expecting: target)
            }
        }
    }

    /// Runs a step that needs something under a name. Where nothing has that of the hidden place it can be looked up all
    /// the same, and not be changed.
    @discardableResult
    func named<T>(
        _ name: [UInt8], _ step: nonisolated(nonsending) () async throws(ClientError) -> T
    ) async throws(FilesystemError) -> T {
        do {
            return try await step()
        } catch {
            throw name == Self.snapshotDirectory && error.isRefusal(.nameNotFound) ? .readOnly : FilesystemError(error)
        }
    }

    public func unlink(
        _ name: [UInt8], in parent: NodeID, by caller: Caller = .unknown
    ) async throws(FilesystemError) {
        try await telling("unlink", of: place(name, in: parent)) { () throws(FilesystemError) in
            let place = try placeToChange(name, in: parent)
            while try await !unlinked(place, by: caller) {}
        }
    }

    /// - Returns: false when somebody began to publish the file meanwhile, so that it has to be tried again.
    private func unlinked(_ place: Place, by caller: Caller) async throws(FilesystemError) -> Bool {
        guard let staged = try await stagedFile(at: place) else {
            try await unlinkFinished(place, by: caller)
            return true
        }
        guard staged.replacesExisting else {
            detach(staged)
            return true
        }
        return try await withMoving(staged.node) { () throws(FilesystemError) in
            if staged.replaced != nil {
                try await unlinkReplaced(by: staged)
            } else {
                // Somebody else may have removed what this mount still shows.
                do throws(FilesystemError) {
                    try await unlinkFinished(place, by: caller)
                } catch {
                    guard error.isRefusal(.nameNotFound) else { throw error }
                }
            }
            if staged.place == place { detach(staged) }
        }
    }

    private func unlinkFinished(_ place: Place, by caller: Caller) async throws(FilesystemError) {
        try await taking(place, by: caller) { target throws(ClientError) in
            try await client.unlink(place.name, in: place.directory, expecting: target)
        }
        // An edit of it that was begun meanwhile.
        if let late = stagedNames.node(at: place).flatMap({ stagedFiles[$0] }), !late.isNew { detach(late) }
        forgetName(place)
    }

    /// A finished file lost its name to us: who has it open may go on, and nothing comes of what he writes.
    func forgetName(_ place: Place) {
        for file in openFiles.values where file.node.place == place && file.node.staged == nil {
            file.node.nameIsGone()
        }
    }

    /// A name in a directory that is to be changed. Whoever asks for its times next is to see that.
    func placeToChange(_ name: [UInt8], in parent: NodeID) throws(FilesystemError) -> Place {
        let place = Place(directory: try directory(parent), name: name)
        nodes[parent]?.willChange()
        return place
    }

    /// Checks that no staged file has the name. The cluster knows of all others.
    private func free(_ place: Place) throws(FilesystemError) -> Place {
        try Self.checkNewName(place.name)
        guard stagedNames.node(at: place) == nil else { throw .exists }
        return place
    }
}

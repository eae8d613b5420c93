import Protocol

extension Client {
    /// Gives what `name` in `directory` points to the name `newName` in `newDirectory`, by whichever request fits.
    ///
    /// As rename(2): a file replaces a file (the old one becomes a snapshot), a directory replaces an empty directory,
    /// and renaming to the same place does nothing. Refused with TYPE_IS_DIRECTORY, TYPE_IS_NOT_DIRECTORY,
    /// DIRECTORY_NOT_EMPTY, LOOP_IN_DIRECTORY_RENAME where the kinds or places do not fit.
    /// - Parameters:
    ///   - replacesDirectory: false to refuse a directory that exists with CANNOT_OVERRIDE_NAME.
    ///   - expected: refused with MISMATCHING_TARGET where `name` leads to anything else; nil: it may.
    ///   - bringsAttributes: whether a file keeps what it has whatever it replaces, also if that is nothing.
    /// - Returns: creation time of the new name.
    @discardableResult
    public func rename(
        _ name: [UInt8], in directory: InodeID, to newName: [UInt8], in newDirectory: InodeID,
        replacesDirectory: Bool = true, expecting expected: InodeID? = nil, bringsAttributes: Bool = true
    ) async throws(ClientError) -> Timestamp {
        try Self.checkName(newName)
        return try await racing { () throws(ClientError) in
            let found = try await lookup(name, in: directory)
            try Self.check(found, expected)
            if directory == newDirectory, name == newName { return found.creationTime }
            let old = OldEdge(
                directory: directory, name: name, target: found.targetId, creationTime: found.creationTime,
                staysOwned: false)
            do throws(ClientError) {
                return try await renameOnce(old, to: newName, in: newDirectory, bringsAttributes)
            } catch {
                guard error.isRefusal(.cannotOverrideName), replacesDirectory else { throw error }
                return try await replace(newName, in: newDirectory, by: old)
            }
        }
    }

    private func renameOnce(
        _ old: OldEdge, to newName: [UInt8], in newDirectory: InodeID, _ bringsAttributes: Bool
    ) async throws(ClientError) -> Timestamp {
        let outcome = await sendRename(old, to: newName, in: newDirectory, bringsAttributes)
        return try await conclude(outcome, old, newName, in: newDirectory)
    }

    /// The time of the new name; finds out whether an error hides a success.
    private func conclude(
        _ outcome: CountedResult<Timestamp>, _ old: OldEdge, _ newName: [UInt8], in newDirectory: InodeID
    ) async throws(ClientError) -> Timestamp {
        switch outcome.result {
        case .success(let creationTime): return creationTime
        case .failure(let error):
            guard try await wasDoneBefore(error, attempts: outcome.attempts, old) else { throw error }
            let now = try await lookup(newName, in: newDirectory)
            guard now.targetId == old.target else { throw error }
            return now.creationTime
        }
    }

    private func sendRename(
        _ old: OldEdge, to newName: [UInt8], in newDirectory: InodeID, _ bringsAttributes: Bool
    ) async -> CountedResult<Timestamp> {
        if old.directory == newDirectory {
            let request = SameDirectoryRenameRequest(
                targetId: old.target, dirId: old.directory, oldName: old.name, oldCreationTime: old.creationTime,
                newName: newName)
            if bringsAttributes, old.target.type == .file, supports(.renameWithAttributes) {
                let request = RenameWithAttributesRequest(rename: request)
                return await counted(request, shard: old.directory.shard).map(\.newCreationTime)
            }
            return await counted(request, shard: old.directory.shard).map(\.newCreationTime)
        }
        if old.target.isDirectory {
            let request = RenameDirectoryRequest(
                targetId: old.target, oldOwnerId: old.directory, oldName: old.name, oldCreationTime: old.creationTime,
                newOwnerId: newDirectory, newName: newName)
            return await counted(request).map(\.creationTime)
        }
        let request = RenameFileRequest(
            targetId: old.target, oldOwnerId: old.directory, oldName: old.name, oldCreationTime: old.creationTime,
            newOwnerId: newDirectory, newName: newName)
        return await counted(request).map(\.creationTime)
    }

    /// The base protocol never replaces a directory: without the extension an empty one is removed first, and for a
    /// moment there is none of that name. Whatever cannot be replaced gets its proper error.
    private func replace(
        _ name: [UInt8], in directory: InodeID, by old: OldEdge
    ) async throws(ClientError) -> Timestamp {
        let operation = "rename over an existing name"
        let present = try await lookup(name, in: directory)
        let source = old.target
        if source.isDirectory, present.targetId.isFile { throw ClientError(.refused(.typeIsNotDirectory), operation) }
        if source.isFile, present.targetId.isDirectory { throw ClientError(.refused(.typeIsDirectory), operation) }
        guard source.isDirectory else { throw ClientError(.refused(.cannotOverrideName), operation) }
        guard supports(.replaceDirectory) else {
            try await removeDirectory(name, in: directory)
            return try await renameOnce(old, to: name, in: directory, true)
        }
        let request = ReplaceDirectoryRequest(
            targetId: source, oldOwnerId: old.directory, oldName: old.name, oldCreationTime: old.creationTime,
            newOwnerId: directory, newName: name, replacedId: present.targetId,
            replacedCreationTime: present.creationTime)
        let outcome = await counted(request).map(\.creationTime)
        return try await conclude(outcome, old, name, in: directory)
    }
}

extension CountedResult {
    func map<Other>(_ transform: (Response) -> Other) -> CountedResult<Other> {
        CountedResult<Other>(result: result.map(transform), attempts: attempts)
    }
}

import Protocol

extension Client {
    /// What `name` points to now in a live directory. Refused with NAME_NOT_FOUND or DIRECTORY_NOT_FOUND.
    public func lookup(_ name: [UInt8], in directory: InodeID) async throws(ClientError) -> LookupResponse {
        guard (1...ClientLimits.nameBytes).contains(name.count) else {
            throw ClientError(.refused(.nameNotFound), "LOOKUP of a name of \(name.count) bytes")
        }
        return try await call(LookupRequest(dirId: directory, name: name), shard: directory.shard)
    }

    /// The inode at an absolute path; empty components are skipped, symbolic links are not followed, `..` means
    /// nothing.
    public func resolve(path: [UInt8]) async throws(ClientError) -> InodeID {
        var current = InodeID.root
        for component in path.split(separator: UInt8(ascii: "/")) {
            guard current.isDirectory else {
                throw ClientError(.refused(.typeIsNotDirectory), "resolution of a path")
            }
            current = try await lookup(Array(component), in: current).targetId
        }
        return current
    }

    /// As above.
    public func resolve(path: String) async throws(ClientError) -> InodeID {
        try await resolve(path: Array(path.utf8))
    }

    /// Makes a directory; refused with CANNOT_OVERRIDE_NAME when the name exists. In a cluster without the extension
    /// EXCLUSIVE_MAKE_DIRECTORY, a directory that exists already counts as made.
    /// - Parameter change: attributes that it begins with; without meaning where the cluster stores none.
    public func makeDirectory(
        _ name: [UInt8], in directory: InodeID, change: InodeChange = .nothing
    ) async throws(ClientError) -> MakeDirectoryResponse {
        try Self.checkName(name)
        try change.check()
        return try await patiently { () throws(ClientError) in
            if change != .nothing, storesAttributes {
                let made = try await callCDC(
                    MakeDirectoryWithAttributesRequest(
                        ownerId: directory, name: name, isExclusive: true, change: change.wire))
                return MakeDirectoryResponse(id: made.id, creationTime: made.creationTime)
            }
            guard supports(.exclusiveMakeDirectory) else {
                return try await callCDC(MakeDirectoryRequest(ownerId: directory, name: name))
            }
            let made = try await callCDC(MakeDirectoryExclusiveRequest(ownerId: directory, name: name))
            return MakeDirectoryResponse(id: made.id, creationTime: made.creationTime)
        }
    }

    /// Removes an empty directory from its parent. It becomes a snapshot.
    /// - Parameter expected: refused with MISMATCHING_TARGET where the name leads to anything else; nil: it may.
    public func removeDirectory(
        _ name: [UInt8], in directory: InodeID, expecting expected: InodeID? = nil
    ) async throws(ClientError) {
        try await racing { () throws(ClientError) in
            let found = try await lookup(name, in: directory)
            try Self.check(found, expected)
            guard found.targetId.isDirectory else {
                throw ClientError(.refused(.typeIsNotDirectory), "removal of a directory")
            }
            try await removeDirectory(name, in: directory, found)
        }
    }

    private func removeDirectory(
        _ name: [UInt8], in directory: InodeID, _ found: LookupResponse
    ) async throws(ClientError) {
        let request = SoftUnlinkDirectoryRequest(
            ownerId: directory, targetId: found.targetId, creationTime: found.creationTime, name: name)
        let outcome = await counted(request)
        guard case .failure(let error) = outcome.result else { return }
        let old = OldEdge(
            directory: directory, name: name, target: found.targetId, creationTime: found.creationTime,
            staysOwned: false)
        guard try await wasDoneBefore(error, attempts: outcome.attempts, old) else { throw error }
    }

    /// Removes a file or symbolic link from its directory. It becomes a snapshot.
    /// - Parameter expected: as for `removeDirectory`.
    public func unlink(
        _ name: [UInt8], in directory: InodeID, expecting expected: InodeID? = nil
    ) async throws(ClientError) {
        try await racing { () throws(ClientError) in
            let found = try await lookup(name, in: directory)
            try Self.check(found, expected)
            guard found.targetId.isFile else { throw ClientError(.refused(.typeIsDirectory), "removal of a file") }
            let request = SoftUnlinkFileRequest(
                ownerId: directory, fileId: found.targetId, name: name, creationTime: found.creationTime)
            let outcome = await counted(request, shard: directory.shard)
            guard case .failure(let error) = outcome.result else { return }
            let old = OldEdge(
                directory: directory, name: name, target: found.targetId, creationTime: found.creationTime,
                staysOwned: true)
            guard try await wasDoneBefore(error, attempts: outcome.attempts, old) else { throw error }
        }
    }

    /// The requests that follow name what was found: nothing else loses its name by them.
    static func check(_ found: LookupResponse, _ expected: InodeID?) throws(ClientError) {
        guard let expected, found.targetId != expected else { return }
        throw ClientError(.refused(.mismatchingTarget), "change of a name")
    }

    static func checkName(_ name: [UInt8]) throws(ClientError) {
        let isValid =
            (1...ClientLimits.nameBytes).contains(name.count) && !name.contains(0) && !name.contains(UInt8(ascii: "/"))
            && name != [UInt8(ascii: ".")] && name != [UInt8(ascii: "."), UInt8(ascii: ".")]
        guard isValid else { throw ClientError(.refused(.badName), "use of a name") }
    }
}

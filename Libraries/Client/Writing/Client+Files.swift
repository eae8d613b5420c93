import Mutations
import Protocol

extension Client {
    /// Begins a file (or symbolic link) that will get a name in `directory`. It is invisible until `FileWriter.finish`.
    ///
    /// Where files are made in a row, inodes for the next ones are asked for ahead, so that this needs no round trip.
    /// - Parameter note: for operators who look at unfinished files; usually the name. At most 255 bytes of it are
    ///   kept; inodes made ahead have none.
    public func createFile(
        in directory: InodeID, note: [UInt8], type: InodeType = .file
    ) async throws(ClientError) -> FileWriter {
        let policies = try await writePolicies(of: directory)
        var since = core.openFiles.clock()
        let handle: TransientHandle
        if type == .file, let spare = takeSpare(directory.shard) {
            handle = spare.handle
            since = spare.nanoseconds
        } else {
            handle = try await construct(in: directory.shard, note: note, type: type)
        }
        let writer = FileWriter(client: self, handle: handle, policies: policies, note: note)
        core.openFiles.insert(writer, touched: since)
        return writer
    }

    /// An inode made ahead; sees to it that there will be more.
    private func takeSpare(_ shard: ShardID) -> SpareFiles.Spare? {
        let together = supports(.constructFiles)
        let (spare, order) = spares.take(
            shard, now: core.openFiles.clock(), lifetimeNanoseconds: core.openFiles.lifetimeNanoseconds(shard),
            together: together)
        for _ in 0..<(together ? min(order, 1) : order) {
            loop.task { await self.makeSpares(together ? order : 1, shard) }
        }
        return spare
    }

    private func makeSpares(_ count: Int, _ shard: ShardID) async {
        let since = core.openFiles.clock()
        // A failure shows when the file is made in the usual way.
        let made = (try? await construct(count, in: shard)) ?? []
        spares.arrived(made.map { SpareFiles.Spare(handle: $0, nanoseconds: since) }, ofOrder: count, shard)
        if let first = made.first { await learnLifetime(of: first) }
    }

    /// Transient files without a note; more than one only where shards know CONSTRUCT_FILES, and then at most 64.
    private func construct(_ count: Int, in shard: ShardID) async throws(ClientError) -> [TransientHandle] {
        guard count > 1 else { return [try await construct(in: shard, note: [])] }
        return try await constructing(shard) { () throws(ClientError) in
            let request = ConstructFilesRequest(type: .file, note: [], count: UInt8(count))
            return Array(try await call(request, shard: shard).files.prefix(count))
        }
    }

    /// A transient file in a shard.
    public func construct(
        in shard: ShardID, note: [UInt8], type: InodeType = .file
    ) async throws(ClientError) -> TransientHandle {
        let made = try await constructing(shard) { () throws(ClientError) in
            let request = ConstructFileRequest(type: type, note: Array(note.prefix(255)))
            return [try await call(request, shard: shard)]
        }
        return made[0]
    }

    private func constructing(
        _ shard: ShardID, _ ask: () async throws(ClientError) -> [ConstructFileResponse]
    ) async throws(ClientError) -> [TransientHandle] {
        for _ in 0..<Self.addressesTried {
            let made = try await ask()
            if !made.isEmpty, made.allSatisfy({ $0.id.shard == shard }) || Mutation.anyShardMakesFiles.isPlanted {
                return made.map { TransientHandle(id: $0.id, cookie: $0.cookie) }
            }
            // Another shard listens now where this one was. What it has made expires.
            try await refresh()
        }
        throw ClientError(.unavailable, "\(ShardKind.constructFile) at shard \(shard)", "another shard answers there")
    }

    /// How often the registry is asked where a shard is, when another one answers for it.
    private static let addressesTried = 4

    /// How long a name may be locked by others before a finished file is not given it.
    nonisolated var linkingNanoseconds: UInt64 {
        options.writeTimeoutNanoseconds == 0 ? .max : options.writeTimeoutNanoseconds
    }

    /// Gives a transient file its name. `directory` must be in the file's shard. Returns the creation time of the name.
    public func link(_ file: TransientHandle, in directory: InodeID, name: [UInt8]) async throws(ClientError)
        -> Timestamp
    {
        try await patiently(for: linkingNanoseconds) { () throws(ClientError) in
            try await persist(
                LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: directory, name: name),
                shard: file.id.shard
            ).creationTime
        }
    }

    /// Gives a transient file up. It would expire anyway, so a failure does no harm and is not reported.
    func scrap(_ file: TransientHandle) async {
        let request = ScrapTransientFileRequest(id: file.id, cookie: file.cookie)
        _ = await counted(request, shard: file.id.shard)
    }

    /// Makes a symbolic link.
    /// - Parameter change: attributes that it begins with; without meaning where the cluster stores none.
    /// - Returns: the link's inode and the creation time of its name.
    public func makeSymbolicLink(
        _ name: [UInt8], in directory: InodeID, target: [UInt8], change: InodeChange = .nothing
    ) async throws(ClientError) -> (id: InodeID, creationTime: Timestamp) {
        try Self.checkName(name)
        // What the kernel client can follow.
        guard (1...4096).contains(target.count) else {
            throw ClientError(.invalidArgument, "making of a symbolic link", "a target of \(target.count) bytes")
        }
        let writer = try await createFile(in: directory, note: name, type: .symlink)
        try await writer.write(target, at: 0)
        let version = try await writer.finish(Publication(directory: directory, name: name, change: change))
        // After that: a file that was lost on the way has another number.
        return (writer.id, version.creationTime)
    }

    /// The path that a symbolic link holds.
    public func readSymbolicLink(_ id: InodeID) async throws(ClientError) -> [UInt8] {
        try await open(id).read(at: 0, count: 4096).bytes
    }

    /// A reader of a linked file or symbolic link.
    public func open(_ id: InodeID) async throws(ClientError) -> FileReader {
        FileReader(client: self, id: id, size: try await statFile(id).size)
    }
}

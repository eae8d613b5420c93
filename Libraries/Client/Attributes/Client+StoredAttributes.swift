import Protocol

extension Client {
    /// Whether the cluster keeps owners, modes, extended attributes and what else `StoredAttributes` has.
    public var storesAttributes: Bool { supports(.attributes) && supports(.publishing) }

    /// Whether versions of a file have a number that tells them from other files'.
    public var numbersFiles: Bool { supports(.publishing) }

    /// The directory that a directory is in, or was in when it was removed; null: that is not known.
    public func lastOwner(ofDirectory id: InodeID) async throws(ClientError) -> InodeID {
        try await storesAttributes ? statAttributes(id).number : statDirectory(id).owner
    }

    func statAttributes(
        _ id: InodeID, newest: Bool = false, at shard: ShardID? = nil
    ) async throws(ClientError) -> StatAttributesResponse {
        try await call(StatAttributesRequest(id: id, newest: newest), shard: shard ?? id.shard)
    }

    /// Changes attributes of a file, symbolic link or directory, all or nothing. Of a superseded version it is the newest
    /// one of its file in that shard that is changed. Only where `storesAttributes`.
    /// - Returns: which inode was changed, its ctime since, and its ownership now.
    public func setAttributes(
        _ id: InodeID, _ change: InodeChange
    ) async throws(ClientError) -> (id: InodeID, changed: Timestamp, ownership: Ownership) {
        try change.check()
        let done = try await call(SetAttributesRequest(id: id, change: change.wire), shard: id.shard)
        return (done.id, done.ctime, Ownership(done.ownership))
    }

    /// The extended attributes of a file, symbolic link or directory. None where the cluster stores none.
    public func extendedAttributes(of id: InodeID) async throws(ClientError) -> [ExtendedAttribute] {
        guard storesAttributes else { return [] }
        for _ in 0..<Self.extendedTries {
            if let list = try await extendedList(of: id) { return list }
        }
        throw ClientError(
            .unavailable, "\(ShardKind.extendedAttributes) at shard \(id.shard)", "they change all the time")
    }

    /// How often somebody else may change them between two parts.
    private static let extendedTries = 16

    /// Nil: they changed meanwhile.
    private func extendedList(of id: InodeID) async throws(ClientError) -> [ExtendedAttribute]? {
        var bytes: [UInt8] = []
        var version: Timestamp?
        while true {
            let part = try await call(
                ExtendedAttributesRequest(id: id, offset: UInt32(bytes.count), mtu: options.datagramBytes),
                shard: id.shard)
            guard version == nil || version == part.version else { return nil }
            if part.total == 0 { return [] }
            version = part.version
            bytes += part.part
            let hasProgressed = !part.part.isEmpty && part.total <= Self.longestExtendedList
            guard hasProgressed, bytes.count <= Int(part.total) else { throw Self.malformedList(id) }
            if bytes.count == Int(part.total) { return try Self.decoded(bytes, of: id) }
        }
    }

    /// More than any inode may have.
    private static let longestExtendedList = UInt32(2 * AttributeLimits.extendedBytes)

    private static func decoded(_ bytes: [UInt8], of id: InodeID) throws(ClientError) -> [ExtendedAttribute] {
        do {
            return try bytes.withUnsafeBytes { raw in
                var reader = WireReader(raw)
                let list = try reader.list(of: ExtendedAttribute.self)
                try reader.finish()
                return list
            }
        } catch {
            throw malformedList(id)
        }
    }

    private static func malformedList(_ id: InodeID) -> ClientError {
        ClientError(
            .malformedAnswer, "\(ShardKind.extendedAttributes) at shard \(id.shard)", "no list of attributes")
    }

    /// Makes a FIFO, socket or device under a name that nothing has. Only where `storesAttributes`.
    /// - Returns: its inode and when it got its name.
    public func makeSpecialFile(
        _ name: [UInt8], in directory: InodeID, _ special: SpecialFile, change: InodeChange = .nothing
    ) async throws(ClientError) -> (id: InodeID, version: PublishedVersion) {
        let writer = try await createFile(in: directory, note: name)
        let version = try await writer.finish(
            Publication(
                directory: directory, name: name, condition: .nothing, inherits: false, special: special,
                change: change))
        // After that: a file that was lost on the way has another number.
        return (writer.id, version)
    }
}

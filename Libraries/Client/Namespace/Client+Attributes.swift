import Protocol

/// What stat(2) wants to know of an inode.
public struct InodeAttributes: Hashable, Sendable {
    public let id: InodeID
    /// Of a directory: when its entries last changed, by which one knows whether what one remembers of them still holds.
    public let modified: Timestamp
    /// Of a directory: the same as `modified`.
    public let accessed: Timestamp
    /// In bytes; 0 for a directory.
    public let size: UInt64
    /// What else there is; nil where the cluster keeps no more (`Client.storesAttributes`), or where nobody asked.
    public let stored: StoredAttributes?

    /// For whoever knows them without asking, such as the one who has just made the inode.
    public init(
        id: InodeID, modified: Timestamp, accessed: Timestamp, size: UInt64, stored: StoredAttributes? = nil
    ) {
        self.id = id
        self.modified = modified
        self.accessed = accessed
        self.size = size
        self.stored = stored
    }

    init(_ found: StatAttributesResponse) {
        let accessed = found.id.isDirectory ? found.mtime : found.atime
        self.init(
            id: found.id, modified: found.mtime, accessed: accessed, size: found.size,
            stored: StoredAttributes(found))
    }
}

extension Client {
    /// Attributes of a file, symbolic link or directory, not of one under construction.
    public func attributes(of id: InodeID) async throws(ClientError) -> InodeAttributes {
        if storesAttributes { return InodeAttributes(try await statAttributes(id)) }
        if id.isDirectory {
            let found = try await statDirectory(id)
            return InodeAttributes(id: id, modified: found.mtime, accessed: found.mtime, size: 0)
        }
        let found = try await statFile(id)
        return InodeAttributes(id: id, modified: found.mtime, accessed: found.atime, size: found.size)
    }

    public func statFile(_ id: InodeID) async throws(ClientError) -> StatFileResponse {
        try await call(StatFileRequest(id: id), shard: id.shard)
    }

    public func statDirectory(_ id: InodeID) async throws(ClientError) -> StatDirectoryResponse {
        try await call(StatDirectoryRequest(id: id), shard: id.shard)
    }

    /// A file that is not linked yet, or not any more.
    public func statTransientFile(_ id: InodeID) async throws(ClientError) -> StatTransientFileResponse {
        try await call(StatTransientFileRequest(id: id), shard: id.shard)
    }

    /// Sets the times that are given and leaves the others. Not for directories.
    public func setTimes(
        _ id: InodeID, modified: Timestamp? = nil, accessed: Timestamp? = nil
    ) async throws(ClientError) {
        // Bit 63 says that the time is to be set.
        func field(_ time: Timestamp?) -> UInt64 { time.map { $0.nanoseconds | 1 << 63 } ?? 0 }
        _ = try await call(
            SetTimeRequest(id: id, mtime: field(modified), atime: field(accessed)), shard: id.shard)
    }
}

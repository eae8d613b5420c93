import Protocol

extension Client {
    /// One page of a live directory: the names whose hash is at least `hash`, in order of hash. Go on with `nextHash`
    /// until it is 0.
    public func readDirectoryPage(
        _ directory: InodeID, from hash: NameHash = NameHash(rawValue: 0)
    ) async throws(ClientError) -> ReadDirResponse {
        try await call(
            ReadDirRequest(dirId: directory, startHash: hash, mtu: options.datagramBytes), shard: directory.shard)
    }

    /// All names of a live directory, in order of hash.
    public func readDirectory(_ directory: InodeID) async throws(ClientError) -> [CurrentEdge] {
        var all: [CurrentEdge] = []
        var hash = NameHash(rawValue: 0)
        repeat {
            let page = try await readDirectoryPage(directory, from: hash)
            all.append(contentsOf: page.results)
            guard page.nextHash.rawValue == 0 || page.nextHash.rawValue > hash.rawValue else {
                throw ClientError(.malformedAnswer, "READ_DIR of \(directory)", "the listing does not advance")
            }
            hash = page.nextHash
        } while hash.rawValue != 0
        return all
    }

    /// All edges, current and snapshot, of a live or snapshot directory, oldest history first.
    public func readFullDirectory(_ directory: InodeID) async throws(ClientError) -> [Edge] {
        var all: [Edge] = []
        var cursor = FullReadDirCursor(current: false, startName: [], startTime: Timestamp(nanoseconds: 0))
        repeat {
            let page = try await readFullDirectoryPage(directory, from: cursor)
            all.append(contentsOf: page.results)
            guard page.next.startName.isEmpty || page.next != cursor else {
                throw ClientError(.malformedAnswer, "FULL_READ_DIR of \(directory)", "the listing does not advance")
            }
            cursor = page.next
        } while !cursor.startName.isEmpty
        return all
    }

    /// One page of the above. Go on with `next` until its name is empty.
    public func readFullDirectoryPage(
        _ directory: InodeID, from cursor: FullReadDirCursor
    ) async throws(ClientError) -> FullReadDirResponse {
        try await call(
            FullReadDirRequest(
                dirId: directory, flags: cursor.current ? [.current] : [], startName: cursor.startName,
                startTime: cursor.startTime, limit: 0, mtu: options.datagramBytes),
            shard: directory.shard)
    }
}

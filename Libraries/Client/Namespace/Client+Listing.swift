import Protocol

extension Client {
    /// One page of a live directory, in order of hash. Go on with `next`.
    public func readDirectoryPage(
        _ directory: InodeID, from place: ListingPlace = ListingPlace()
    ) async throws(ClientError) -> DirectoryPage {
        try await readDirectoryPage(directory, from: place, datagramBytes: options.datagramBytes)
    }

    /// All names of a live directory, in order of hash.
    public func readDirectory(_ directory: InodeID) async throws(ClientError) -> [CurrentEdge] {
        var all: [CurrentEdge] = []
        var next: ListingPlace? = ListingPlace()
        while let place = next {
            let page = try await readDirectoryPage(directory, from: place)
            all.append(contentsOf: page.names)
            next = page.next
        }
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

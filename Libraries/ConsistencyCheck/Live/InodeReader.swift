import Client
import Protocol
import ShardCore

/// Reads everything about one inode through the protocol, as of one moment.
struct InodeReader: Sendable {
    let cluster: any ClusterReading

    /// How often to begin anew when something changes while it is read.
    private static let attempts = 5
    private static let pauseNanoseconds: UInt64 = 50_000_000

    struct File: Sendable {
        var size: UInt64
        var kind: FileKind
        /// What stands in another file (FILE_REFERENCES) is shown as zeros: its blocks are that one's.
        var spans: [(byteOffset: UInt64, record: SpanRecord)] = []
        var services: [BlockServiceID: BlockService] = [:]
        /// It did not change while it was read.
        var isStable = true
    }

    struct Directory: Sendable {
        var owner: InodeID
        var mtime: Timestamp
        var info: DirectoryInfo
        var edges: [Edge] = []
        var isStable = true
    }

    /// A file, linked or transient, which superseded versions are as well; nil when there is none.
    func file(_ id: InodeID) async throws(ClientError) -> File? {
        var file: File?
        for attempt in 0..<Self.attempts {
            if attempt > 0 { await cluster.pause(nanoseconds: Self.pauseNanoseconds) }
            guard let before = try await status(of: id) else { return nil }
            var found = before
            guard try await readSpans(id, &found), try await readReferences(id, &found) else { continue }
            // The contents of a linked file never change.
            if before.kind == .transient {
                guard let after = try await status(of: id) else { return nil }
                found.isStable = after.size == before.size && after.kind == before.kind
            }
            file = found
            if found.isStable { break }
        }
        return file
    }

    /// What an inode is, if its shard can tell that at least; nil when there is none.
    func existence(of id: InodeID) async throws(ClientError) -> ShardFact? {
        do throws(ClientError) {
            if id.isDirectory {
                guard let found = try await stat(id) else { return nil }
                return .directory(id, owner: found.owner, info: (try? found.info.encoded()) ?? [])
            }
            return try await status(of: id).map { .file(id, $0.kind) }
        } catch {
            guard error.code != nil else { throw error }
            return nil
        }
    }

    private func status(of id: InodeID) async throws(ClientError) -> File? {
        if let found = try await unlessMissing({ () throws(ClientError) in
            try await cluster.call(StatFileRequest(id: id), shard: id.shard)
        }) {
            return File(size: found.size, kind: try await isSuperseded(id) ? .transient : .linked)
        }
        return try await transientStatus(of: id).map { File(size: $0.size, kind: .transient) }
    }

    /// Whether what STAT_FILE answers for is a version that a newer one has replaced without leaving a snapshot: nothing
    /// owns it, and it goes when its grace is over.
    private func isSuperseded(_ id: InodeID) async throws(ClientError) -> Bool {
        guard await cluster.supports(.publishing) else { return false }
        return try await transientStatus(of: id) != nil
    }

    private func transientStatus(of id: InodeID) async throws(ClientError) -> StatTransientFileResponse? {
        try await unlessMissing { () throws(ClientError) in
            try await cluster.call(StatTransientFileRequest(id: id), shard: id.shard)
        }
    }

    /// False when the file has gone meanwhile.
    private func readSpans(_ id: InodeID, _ file: inout File) async throws(ClientError) -> Bool {
        var byteOffset: UInt64 = 0
        repeat {
            let offset = byteOffset
            guard
                let page = try await unlessMissing({ () throws(ClientError) in try await spanPage(id, offset) })
            else { return false }
            file.spans += page.spans
            for service in page.services { file.services[service.id] = service }
            guard page.nextOffset == 0 || page.nextOffset > byteOffset else {
                throw ClientError(.malformedAnswer, "FILE_SPANS of \(id)", "the listing does not advance")
            }
            byteOffset = page.nextOffset
        } while byteOffset != 0
        return true
    }

    /// Finds out what of the file stands in another one. False when the file has gone meanwhile. To be called after its
    /// spans were read: until then a span may have moved into another file, and none comes back to a linked one.
    private func readReferences(_ id: InodeID, _ file: inout File) async throws(ClientError) -> Bool {
        guard file.spans.contains(where: { !$0.record.isInline }), await cluster.supports(.sharedSpans) else {
            return true
        }
        var byteOffset: UInt64 = 0
        repeat {
            let request = FileReferencesRequest(fileId: id, byteOffset: byteOffset, mtu: Self.mtu)
            guard
                let page = try await unlessMissing({ () throws(ClientError) in
                    try await cluster.call(request, shard: id.shard)
                })
            else { return false }
            if page.isBody { file.kind = .body }
            for reference in page.references { file.hide(reference) }
            guard page.nextOffset == 0 || page.nextOffset > byteOffset else {
                throw ClientError(.malformedAnswer, "FILE_REFERENCES of \(id)", "the listing does not advance")
            }
            byteOffset = page.nextOffset
        } while byteOffset != 0
        return true
    }

    private func spanPage(_ id: InodeID, _ byteOffset: UInt64) async throws(ClientError) -> SpanRecordPage {
        // Not every shard tells all locations of a symbolic link.
        if id.type == .symlink {
            let request = LocalFileSpansRequest(fileId: id, byteOffset: byteOffset, limit: 0, mtu: Self.mtu)
            return try SpanRecordPage(try await cluster.call(request, shard: id.shard))
        }
        let request = FileSpansRequest(fileId: id, byteOffset: byteOffset, limit: 0, mtu: Self.mtu)
        return try SpanRecordPage(try await cluster.call(request, shard: id.shard))
    }

    /// A directory, live or removed; nil when there is none.
    func directory(_ id: InodeID) async throws(ClientError) -> Directory? {
        var directory: Directory?
        for attempt in 0..<Self.attempts {
            if attempt > 0 { await cluster.pause(nanoseconds: Self.pauseNanoseconds) }
            guard let before = try await stat(id) else { return nil }
            guard
                let edges = try await unlessMissing({ () throws(ClientError) in try await self.edges(of: id) }),
                let after = try await stat(id)
            else { return nil }
            directory = Directory(owner: after.owner, mtime: after.mtime, info: after.info, edges: edges)
            // Whatever changes a directory moves its time.
            if before.mtime == after.mtime { return directory }
            directory?.isStable = false
        }
        return directory
    }

    func stat(_ id: InodeID) async throws(ClientError) -> StatDirectoryResponse? {
        try await unlessMissing { () throws(ClientError) in
            try await cluster.call(StatDirectoryRequest(id: id), shard: id.shard)
        }
    }

    /// All edges of a directory; with `name` only those of that name.
    func edges(of id: InodeID, named name: [UInt8]? = nil) async throws(ClientError) -> [Edge] {
        var all: [Edge] = []
        var cursor = FullReadDirCursor(current: name != nil, startName: name ?? [], startTime: .zero)
        repeat {
            // By name from the newest to the oldest, as clients look for what became of their requests.
            var flags: FullReadDirFlags = name == nil ? [] : [.sameName, .backwards]
            if cursor.current { flags.insert(.current) }
            let request = FullReadDirRequest(
                dirId: id, flags: flags, startName: cursor.startName, startTime: cursor.startTime, limit: 0,
                mtu: Self.mtu)
            let page = try await cluster.call(request, shard: id.shard)
            all += page.results
            guard page.next.startName.isEmpty || page.next != cursor else {
                throw ClientError(.malformedAnswer, "FULL_READ_DIR of \(id)", "the listing does not advance")
            }
            cursor = page.next
        } while !cursor.startName.isEmpty
        return all
    }

    private static let mtu: UInt16 = 8972

    private func unlessMissing<T>(_ body: () async throws(ClientError) -> T) async throws(ClientError) -> T? {
        do throws(ClientError) {
            return try await body()
        } catch {
            guard error.isRefusal(.fileNotFound) || error.isRefusal(.directoryNotFound) else { throw error }
            return nil
        }
    }
}

extension InodeReader.File {
    fileprivate mutating func hide(_ reference: FileReference) {
        for index in spans.indices {
            let span = spans[index]
            guard span.byteOffset >= reference.byteOffset,
                span.byteOffset - reference.byteOffset < reference.length
            else { continue }
            spans[index].record = .hole(of: span.record.size)
        }
    }
}

import Protocol
import ShardCore

/// Compares what clients can see before and after each entry (metadata.md A.13, T2, T4 and T5).
struct ShardObserver {
    private struct Contents: Equatable {
        var size: UInt64
        var spans: [FetchedSpanHeaderFull]
    }

    private var directoryTimes: [InodeID: Timestamp] = [:]
    private var transientTimes: [InodeID: Timestamp] = [:]
    private var contents: [InodeID: Contents] = [:]
    private var seen: Set<InodeID> = []
    private var gone: Set<InodeID> = []

    /// - Parameter isCoordinatorHonest: otherwise directories that were removed may come back, because somebody with
    ///   the coordinator's key says so.
    mutating func observe(_ core: ShardCore, _ known: KnownValues, isCoordinatorHonest: Bool) throws {
        for id in known.inodes where id.shard == core.shard {
            let exists = id.isDirectory ? try observeDirectory(core, id) : try observeFile(core, id)
            guard exists else {
                if seen.contains(id) { gone.insert(id) }
                continue
            }
            seen.insert(id)
            if gone.contains(id), isCoordinatorHonest || id.isFile { throw Finding("T5: \(id) has come back") }
        }
    }

    private mutating func observeDirectory(_ core: ShardCore, _ id: InodeID) throws -> Bool {
        let request = AnyShardRequest.statDirectory(StatDirectoryRequest(id: id))
        guard case .statDirectory(let status) = try answer(core, request) else {
            directoryTimes[id] = nil
            return false
        }
        if let before = directoryTimes[id], status.mtime < before {
            throw Finding("T2: the time of \(id) went from \(before) to \(status.mtime)")
        }
        directoryTimes[id] = status.mtime
        return true
    }

    private mutating func observeFile(_ core: ShardCore, _ id: InodeID) throws -> Bool {
        let transient = AnyShardRequest.statTransientFile(StatTransientFileRequest(id: id))
        if case .statTransientFile(let status) = try answer(core, transient) {
            contents[id] = nil
            if let before = transientTimes[id], status.mtime < before {
                throw Finding("T2: the time of \(id) went from \(before) to \(status.mtime)")
            }
            transientTimes[id] = status.mtime
            return true
        }
        transientTimes[id] = nil
        guard case .statFile(let status) = try answer(core, .statFile(StatFileRequest(id: id))) else {
            contents[id] = nil
            return false
        }
        let now = Contents(size: status.size, spans: try spans(core, id))
        if let before = contents[id], before != now { throw Finding("T4: \(id) changed from \(before) to \(now)") }
        contents[id] = now
        return true
    }

    private func spans(_ core: ShardCore, _ id: InodeID) throws -> [FetchedSpanHeaderFull] {
        var request = FileSpansRequest(fileId: id, byteOffset: 0, limit: 0, mtu: 8972)
        var headers: [FetchedSpanHeaderFull] = []
        // A file of this harness has a hundred spans at most.
        for _ in 0..<200 {
            guard case .fileSpans(let page) = try answer(core, .fileSpans(request)) else { break }
            headers += page.spans.map(\.header)
            guard page.nextOffset != 0 else { return headers }
            request.byteOffset = page.nextOffset
        }
        throw Finding("the spans of \(id) do not end")
    }

    private func answer(_ core: ShardCore, _ request: AnyShardRequest) throws(ShardFailure) -> AnyShardResponse? {
        do throws(ShardFailure) {
            return try core.read(request)
        } catch .refused {
            return nil
        }
    }
}

import Protocol
import Store

// FULL_READ_DIR (metadata.md B.5): all edges of a directory, history included, in both directions, or those of one
// name.

extension ShardCore {
    func fullReadDirectory(_ request: FullReadDirRequest) throws(ShardFailure) -> FullReadDirResponse {
        let isSameName = request.flags.contains(.sameName)
        guard !request.flags.contains(.current) || request.startTime == .zero,
            !isSameName || !request.startName.isEmpty
        else { throw .refused(.malformedRequest) }
        let directory = try anyDirectory(request.dirId)
        var page = EdgePage(mtu: request.mtu, limit: request.limit)
        if !isSameName {
            try readRange(request, into: &page)
        } else if request.flags.contains(.backwards) {
            if request.flags.contains(.current) { try readCurrent(request, into: &page) }
            if directory.snapshotEdges > 0 { try readHistory(request, backwards: true, into: &page) }
        } else {
            if !request.flags.contains(.current), directory.snapshotEdges > 0 {
                try readHistory(request, backwards: false, into: &page)
            }
            try readCurrent(request, into: &page)
        }
        return page.response
    }

    /// Everything from the cursor on.
    private func readRange(_ request: FullReadDirRequest, into page: inout EdgePage) throws(ShardFailure) {
        let keys = state.keys
        let isCurrent = request.flags.contains(.current)
        let iterator = state.store.iterator(
            from: keys.edges(request.dirId, current: false), upTo: keys.edgesEnd(request.dirId))
        let cursor =
            isCurrent
            ? keys.edge(request.dirId, current: true, NameHash(of: request.startName), request.startName)
            : keys.snapshotEdge(request.dirId, NameHash(of: request.startName), request.startName, request.startTime)
        let isWhole = request.startName.isEmpty
        if request.flags.contains(.backwards) {
            if isWhole, isCurrent {
                iterator.seekToLast()
            } else {
                // No edge has the key that a whole part begins with, so the end of the snapshot part is "before" the
                // current one.
                iterator.seekForPrevious(isWhole ? keys.edges(request.dirId, current: true) : cursor)
            }
        } else {
            iterator.seek(isWhole ? keys.edges(request.dirId, current: isCurrent) : cursor)
        }
        try fill(&page, from: iterator, backwards: request.flags.contains(.backwards))
    }

    /// The current edge of the start name, if there is one.
    private func readCurrent(_ request: FullReadDirRequest, into page: inout EdgePage) throws(ShardFailure) {
        guard !page.isFinished else { return }
        let hash = NameHash(of: request.startName)
        guard let record = try state.currentEdge(request.dirId, hash, request.startName) else { return }
        page.append(
            Edge(
                current: true, targetId: record.target, nameHash: hash, name: request.startName,
                creationTime: record.creationTime))
    }

    /// The snapshot edges of the start name, from the start time on; backwards 0 stands for the newest.
    private func readHistory(
        _ request: FullReadDirRequest, backwards: Bool, into page: inout EdgePage
    ) throws(ShardFailure) {
        guard !page.isFinished else { return }
        let hash = NameHash(of: request.startName)
        let lower = state.keys.edge(request.dirId, current: false, hash, request.startName)
        let start = state.keys.snapshotEdge(request.dirId, hash, request.startName, request.startTime)
        let iterator = state.store.iterator(from: lower, upTo: lower + [UInt8](repeating: 0xff, count: 9))
        if !backwards {
            iterator.seek(start)
        } else if request.startTime == .zero {
            iterator.seekToLast()
        } else {
            iterator.seekForPrevious(start)
        }
        try fill(&page, from: iterator, backwards: backwards)
    }

    private func fill(
        _ page: inout EdgePage, from iterator: any StoreIterator, backwards: Bool
    ) throws(ShardFailure) {
        while iterator.isValid, !page.isFinished {
            page.append(try edge(at: iterator))
            if backwards { iterator.previous() } else { iterator.next() }
        }
        try state.check(iterator)
    }

    private func edge(at iterator: any StoreIterator) throws(ShardFailure) -> Edge {
        guard let key = EdgeKey(iterator.key) else { throw .state(.corruptRecord(key: iterator.key)) }
        if key.isCurrent {
            let record: CurrentEdgeRecord = try state.record(at: iterator)
            return Edge(
                current: true, targetId: record.target, nameHash: key.nameHash, name: key.name,
                creationTime: record.creationTime)
        }
        let record: SnapshotEdgeRecord = try state.record(at: iterator)
        return Edge(
            current: false, targetId: record.target, nameHash: key.nameHash, name: key.name,
            creationTime: key.snapshotTime)
    }
}

/// The page of edges being filled.
private struct EdgePage {
    private(set) var response = FullReadDirResponse(
        next: FullReadDirCursor(current: false, startName: [], startTime: .zero), results: [])
    /// Whether nothing more may be appended: the page is full, or the client's limit is reached.
    private(set) var isFinished = false
    private var budget: PageBudget
    private let limit: Int

    init(mtu: UInt16, limit: UInt16) {
        budget = PageBudget(mtu: mtu, fixedSize: 12)
        self.limit = limit == 0 ? .max : Int(limit)
    }

    mutating func append(_ edge: Edge) {
        guard budget.take(edge.encodedSize) else { return end(before: edge) }
        response.results.append(edge)
        // A client that gets as many edges as it asked for sees no continuation (B.5).
        isFinished = response.results.count >= limit
    }

    /// The cursor needs room for its name, too; edges make way for it.
    private mutating func end(before edge: Edge) {
        isFinished = true
        var first = edge
        while !budget.fits(first.name.count), let last = response.results.popLast() {
            budget.giveBack(last.encodedSize)
            first = last
        }
        response.next = FullReadDirCursor(
            current: first.current, startName: first.name, startTime: first.current ? .zero : first.creationTime)
    }
}

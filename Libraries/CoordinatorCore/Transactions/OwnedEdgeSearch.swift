import Protocol

/// Looks through a directory, page by page, for an edge that owns a file, while others may rename the file in it.
///
/// A renamed edge may hide from a reader: away from a name not read yet, to one read already. But it leaves its old
/// self in the history, owning nothing any more. So the whole directory, history first, is read until a round turns up
/// no edge to the file that the round before did not.
struct OwnedEdgeSearch {
    enum Outcome { case unfinished, owned, unowned }

    private struct OldEdge: Hashable {
        var name: [UInt8]
        var creationTime: Timestamp
    }

    private static let beginning = FullReadDirCursor(current: false, startName: [], startTime: .zero)

    let file: InodeID
    let directory: InodeID

    private var cursor = Self.beginning
    private var known: Set<OldEdge> = []
    private var isFirstRound = true
    private var hasFoundNew = false

    init(of file: InodeID, in directory: InodeID) {
        self.file = file
        self.directory = directory
    }

    /// For the next page.
    var request: AnyShardRequest {
        .fullReadDir(
            FullReadDirRequest(
                dirId: directory, flags: cursor.current ? .current : [], startName: cursor.startName,
                startTime: cursor.startTime, limit: 0, mtu: 8192))
    }

    mutating func advance(_ page: FullReadDirResponse) -> Outcome {
        for edge in page.results where edge.targetId.id == file {
            // A current edge owns its target always; its flag says that it is locked.
            if edge.current || edge.targetId.flag { return .owned }
            let old = OldEdge(name: edge.name, creationTime: edge.creationTime)
            if known.insert(old).inserted { hasFoundNew = true }
        }
        cursor = page.next
        if !cursor.startName.isEmpty { return .unfinished }
        if !isFirstRound && !hasFoundNew { return .unowned }
        isFirstRound = false
        hasFoundNew = false
        cursor = Self.beginning
        return .unfinished
    }
}

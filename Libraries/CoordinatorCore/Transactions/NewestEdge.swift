import Protocol

/// What a name points to, or was last known to.
struct NewestEdge: Equatable {
    var target: InodeID
    /// The name exists now; otherwise this is history (or a deletion marker).
    var isCurrent: Bool
    var isLocked: Bool
    var creationTime: Timestamp

    /// The request for the newest edge of `name`: one element, newest first, current edge before history (spec B.5).
    static func request(_ directory: InodeID, _ name: [UInt8]) -> AnyShardRequest {
        .fullReadDir(
            FullReadDirRequest(
                dirId: directory, flags: [.backwards, .sameName, .current], startName: name, startTime: .zero,
                limit: 1, mtu: 0))
    }

    /// What the answer says; nil for a name that never existed.
    init?(_ response: FullReadDirResponse) {
        guard let edge = response.results.first else { return nil }
        target = edge.targetId.id
        isCurrent = edge.current
        isLocked = edge.current && edge.targetId.flag
        creationTime = edge.creationTime
    }

    init(target: InodeID, isCurrent: Bool, isLocked: Bool, creationTime: Timestamp) {
        self.target = target
        self.isCurrent = isCurrent
        self.isLocked = isLocked
        self.creationTime = creationTime
    }
}

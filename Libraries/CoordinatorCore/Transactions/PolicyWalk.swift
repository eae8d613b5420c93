import Protocol

/// Collects the policies in force at a directory, nearest first, on the way up to the root (spec A.9, D.5).
struct PolicyWalk {
    /// Tags that a directory without an owner must hold itself.
    static let requiredTags: [DirectoryInfoTag] = [.snapshot, .span, .block, .stripe]
    /// Deeper trees fall back on the defaults; also ends a walk in a damaged tree.
    static let maximumDepth = 4096

    /// The directory whose policies are wanted next.
    private(set) var cursor: InodeID
    let defaults: DirectoryInfo
    private var entries: [DirectoryInfoEntry] = []
    private var depth = 0
    /// The complete list, once known.
    private(set) var result: DirectoryInfo?

    init(from directory: InodeID, defaults: DirectoryInfo) {
        cursor = directory
        self.defaults = defaults
    }

    var request: AnyShardRequest { .statDirectory(StatDirectoryRequest(id: cursor)) }

    /// Takes the answer for `cursor` and steps up.
    mutating func advance(_ answer: ShardAnswer) {
        guard case .success(.statDirectory(let response)) = answer else { return complete() }
        for tag in Self.requiredTags where !isKnown(tag) {
            // Clients use the last entry of a tag when there are several.
            if let entry = response.info.entries.last(where: { $0.tag == tag }) { entries.append(entry) }
        }
        depth += 1
        if Self.requiredTags.allSatisfy(isKnown) || response.owner.isNull || depth == Self.maximumDepth {
            complete()
        } else {
            cursor = response.owner
        }
    }

    private func isKnown(_ tag: DirectoryInfoTag) -> Bool { entries.contains { $0.tag == tag } }

    private mutating func complete() {
        for tag in Self.requiredTags where !isKnown(tag) {
            if let entry = defaults.entries.last(where: { $0.tag == tag }) { entries.append(entry) }
        }
        result = DirectoryInfo(entries: entries)
    }
}

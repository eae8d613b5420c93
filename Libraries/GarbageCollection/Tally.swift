/// What a duty saw and did. Tallies add up.
public struct Tally: Hashable, Sendable, CustomStringConvertible {
    public var visitedDirectories = 0
    public var visitedSnapshots = 0
    public var removedSnapshots = 0
    public var removedDirectories = 0
    public var visitedTransientFiles = 0
    public var destroyedFiles = 0
    public var destroyedSpans = 0
    public var erasedBlocks = 0
    /// Files whose blocks cannot be erased yet: too young, or their disk is away.
    public var postponedFiles = 0
    public var removedIndexEntries = 0
    /// Directories, names, files or shards left to a later round because of an error.
    public var failures = 0

    public init() {}

    public static func += (left: inout Tally, right: Tally) {
        for (path, _) in fields { left[keyPath: path] += right[keyPath: path] }
    }

    /// Every count under its metric name.
    public var counts: [(name: String, value: Int)] {
        Tally.fields.map { ($0.name, self[keyPath: $0.path]) }
    }

    /// Only what is not zero.
    public var description: String {
        let seen = counts.filter { $0.value != 0 }.map { "\($0.name)=\($0.value)" }
        return seen.isEmpty ? "nothing" : seen.joined(separator: " ")
    }

    private static var fields: [(path: WritableKeyPath<Tally, Int>, name: String)] {
        [
            (\.visitedDirectories, "visited_directories"), (\.visitedSnapshots, "visited_snapshots"),
            (\.removedSnapshots, "removed_snapshots"), (\.removedDirectories, "removed_directories"),
            (\.visitedTransientFiles, "visited_transient_files"), (\.destroyedFiles, "destroyed_files"),
            (\.destroyedSpans, "destroyed_spans"), (\.erasedBlocks, "erased_blocks"),
            (\.postponedFiles, "postponed_files"), (\.removedIndexEntries, "removed_index_entries"),
            (\.failures, "failures"),
        ]
    }
}

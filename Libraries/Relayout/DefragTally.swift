import Client

/// What defragmentation saw and did. Tallies add up.
public struct DefragTally: Hashable, Sendable {
    public var visitedDirectories = 0
    public var analysedFiles = 0
    public var analysedBytes = 0
    public var rewrittenFiles = 0
    public var rewrittenSpans = 0
    public var rewrittenBytes = 0
    /// Spans that do not fit the policies and are let be, as they are stored in other locations (too), or as the file
    /// shows only a part of what is stored.
    public var distributedSpans = 0
    /// Of the rewritten spans: blocks and their bytes before and after.
    public var blocksBefore = 0
    public var blocksAfter = 0
    public var physicalBytesBefore = 0
    public var physicalBytesAfter = 0
    /// Directories, files or spans left to a later round because of an error.
    public var failures = 0

    public init() {}

    mutating func count(_ before: SpanLayout, _ after: SpanLayout, bytes: UInt32) {
        rewrittenSpans += 1
        rewrittenBytes += Int(bytes)
        blocksBefore += before.blocks
        blocksAfter += after.blocks
        physicalBytesBefore += before.blocks * before.blockBytes
        physicalBytesAfter += after.blocks * after.blockBytes
    }

    public static func += (left: inout DefragTally, right: DefragTally) {
        for (path, _) in fields { left[keyPath: path] += right[keyPath: path] }
    }

    /// Every count under its metric name.
    public var counts: [(name: String, value: Int)] {
        Self.fields.map { ("defrag_\($0.name)", self[keyPath: $0.path]) }
    }

    private static var fields: [(path: WritableKeyPath<DefragTally, Int>, name: String)] {
        [
            (\.visitedDirectories, "visited_directories"), (\.analysedFiles, "analysed_files"),
            (\.analysedBytes, "analysed_bytes"), (\.rewrittenFiles, "rewritten_files"),
            (\.rewrittenSpans, "rewritten_spans"), (\.rewrittenBytes, "rewritten_bytes"),
            (\.distributedSpans, "distributed_spans"),
            (\.blocksBefore, "blocks_before"), (\.blocksAfter, "blocks_after"),
            (\.physicalBytesBefore, "physical_bytes_before"), (\.physicalBytesAfter, "physical_bytes_after"),
            (\.failures, "failures"),
        ]
    }
}

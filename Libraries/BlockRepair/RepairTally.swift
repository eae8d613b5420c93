import Protocol

/// What a repair saw and did. Tallies add up.
package struct RepairTally: Hashable, Sendable {
    /// Files looked through to the end.
    package var files = 0
    /// Files that do not exist any more or are not finished.
    package var skippedFiles = 0
    /// Copies of spans in a location, of which some block was replaced.
    package var repairedSpans = 0
    /// Blocks in a new place: copied ones and rebuilt ones.
    package var replacedBlocks = 0
    package var replacedBytes = 0
    /// Of the replaced blocks: those copied from where they were.
    package var copiedBlocks = 0
    /// Of the replaced blocks: those computed from others.
    package var rebuiltBlocks = 0
    /// Bytes read for it.
    package var readBytes = 0
    /// Blocks found missing or wrong only when they were to be a source; they were replaced as well.
    package var foundBrokenBlocks = 0
    /// Attempts that had to be repeated, because somebody else changed the span or a request failed.
    package var repeatedAttempts = 0
    /// Copies of spans with blocks that could not be replaced.
    package var failedSpans = 0

    package init() {}

    package static func += (left: inout RepairTally, right: RepairTally) {
        for (path, _) in fields { left[keyPath: path] += right[keyPath: path] }
    }

    /// Every count with its name, as used for metrics.
    package var counts: [(name: String, value: Int)] {
        Self.fields.map { ($0.name, self[keyPath: $0.path]) }
    }

    private static var fields: [(path: WritableKeyPath<RepairTally, Int>, name: String)] {
        [
            (\.files, "files"), (\.skippedFiles, "skipped_files"), (\.repairedSpans, "repaired_spans"),
            (\.replacedBlocks, "replaced_blocks"), (\.replacedBytes, "replaced_bytes"),
            (\.copiedBlocks, "copied_blocks"), (\.rebuiltBlocks, "rebuilt_blocks"), (\.readBytes, "read_bytes"),
            (\.foundBrokenBlocks, "found_broken_blocks"), (\.repeatedAttempts, "repeated_attempts"),
            (\.failedSpans, "failed_spans"),
        ]
    }
}

/// What became of a repair. Errors stay with the spans that they concern; the others are done.
package struct RepairOutcome: Sendable {
    /// Of one file so many errors are kept; `tally.failedSpans` counts all.
    private static let failureLimit = 32

    package var tally = RepairTally()
    package private(set) var failures: [RepairError] = []

    package init() {}

    mutating func fail(_ error: RepairError) {
        tally.failedSpans += 1
        if failures.count < Self.failureLimit { failures.append(error) }
    }

    package static func += (left: inout RepairOutcome, right: RepairOutcome) {
        left.tally += right.tally
        left.failures += right.failures.prefix(max(0, failureLimit - left.failures.count))
    }
}

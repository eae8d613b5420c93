/// How far a migration is, and how long it will take. What remains is estimated from what files took so far. Pure.
package struct MigrationProgress: Hashable, Sendable {
    /// Over this time the rate is taken.
    private static let windowNanoseconds: UInt64 = 120_000_000_000

    private struct Sample: Hashable, Sendable {
        let nanoseconds: UInt64
        let bytes: Int
    }

    package private(set) var tally = RepairTally()
    /// Files that are known to have blocks on services to be evacuated and that are not done.
    package var remainingFiles = 0
    /// Whether there are more than were counted.
    package var isMoreToCome = false
    private var samples: [Sample] = []

    package init() {}

    /// A file was dealt with.
    package mutating func add(_ new: RepairTally) {
        tally += new
        remainingFiles = max(0, remainingFiles - 1)
    }

    /// Notes the time; call it now and then.
    package mutating func tick(now: UInt64) {
        samples.removeAll { now &- $0.nanoseconds > Self.windowNanoseconds }
        samples.append(Sample(nanoseconds: now, bytes: tally.replacedBytes))
    }

    /// Bytes per second lately.
    package var bytesPerSecond: Double {
        guard let first = samples.first, let last = samples.last, last.nanoseconds > first.nanoseconds else { return 0 }
        return Double(last.bytes - first.bytes) * 1e9 / Double(last.nanoseconds - first.nanoseconds)
    }

    private var doneFiles: Int { tally.files }

    /// nil while nothing is known of what a file takes.
    package var remainingBlocks: Int? { scaled(tally.replacedBlocks) }

    /// nil while nothing is known of what a file takes.
    package var remainingBytes: Int? { scaled(tally.replacedBytes) }

    private func scaled(_ done: Int) -> Int? {
        guard doneFiles > 0 else { return remainingFiles == 0 ? 0 : nil }
        return Int(Double(done) / Double(doneFiles) * Double(remainingFiles))
    }

    /// nil while nothing moves.
    package var remainingSeconds: Int? {
        guard let bytes = remainingBytes, bytesPerSecond > 0 else { return remainingFiles == 0 ? 0 : nil }
        return Int(min(Double(bytes) / bytesPerSecond, 1e12))
    }

    /// One line for the log.
    package var description: String {
        let more = isMoreToCome ? " or more" : ""
        let blocks = remainingBlocks.map { "about \($0) blocks, \(Self.megabytes(remainingBytes ?? 0)) MB" }
        return "\(remainingFiles)\(more) files remain, \(blocks ?? "size unknown"); "
            + "\(Self.megabytes(Int(bytesPerSecond))) MB/s, \(remainingSeconds.map(Self.duration) ?? "end unknown"); "
            + "so far \(tally.replacedBlocks) blocks, \(Self.megabytes(tally.replacedBytes)) MB, "
            + "\(tally.failedSpans) spans failed"
    }

    private static func megabytes(_ bytes: Int) -> Int { bytes / 1_000_000 }

    private static func duration(_ seconds: Int) -> String {
        if seconds < 120 { return "\(seconds) s to go" }
        if seconds < 7200 { return "\(seconds / 60) min to go" }
        return "\(seconds / 3600) h to go"
    }
}

import Mutations
import Protocol
import Wire

/// Bounds of what REFER_SPANS does.
package enum BodyLimits {
    /// The most spans in a body.
    package static let spans = 1_024
    /// The most spans of the source that one entry moves into bodies.
    package static let movedSpans = 64
    /// The most extents of the source that one entry goes through, moved spans not counted.
    package static let extents = 128
}

/// How many references cover each part of a body.
///
/// A body is a linked file without a name whose spans, all in blocks and finished, other files refer to. This record is
/// what makes it one; its bytes are described by `files` and `spans` as those of any file.
package struct BodyRecord: WireValue, Hashable {
    /// Up to `end`, from the end of the run before, so many references cover each byte. Bounds of runs are bounds of
    /// spans.
    package struct Run: WireValue, Hashable {
        package var end: UInt64
        package var count: UInt32

        package init(end: UInt64, count: UInt32) {
            self.end = end
            self.count = count
        }
    }

    /// Ascending; neighbours differ in count, and the last one's is not 0.
    package private(set) var runs: [Run]
    /// The spans, holes included.
    package var spanCount: UInt32
    /// How many bytes of its spans in blocks are zeros that take no room, as far as they were counted when they were
    /// moved here. While it is 0 nobody needs to look at the spans.
    package var holes: UInt64

    package init(runs: [Run] = [], spanCount: UInt32 = 0, holes: UInt64 = 0) {
        self.runs = runs
        self.spanCount = spanCount
        self.holes = holes
    }

    /// Where the last byte that is referred to ends.
    package var size: UInt64 { runs.last?.end ?? 0 }

    /// The references that cover the byte at `offset`.
    package func count(at offset: UInt64) -> UInt32 {
        runs.first { offset < $0.end }?.count ?? 0
    }

    /// From where on everything up to `end` is covered by more than one reference; not below `begin`. `end` itself when
    /// what lies before it is covered by one.
    package func beginOfShared(_ begin: UInt64, _ end: UInt64) -> UInt64 {
        var shared = end
        var start: UInt64 = 0
        for run in runs {
            if run.count > 1 {
                if shared == end, run.end > begin, start < end { shared = max(start, begin) }
            } else if run.end > begin, start < end {
                shared = end
            }
            start = run.end
        }
        return shared
    }

    /// Adds a span at the end, covered by `count` references.
    package mutating func append(_ size: UInt32, count: UInt32) {
        runs.append(Run(end: self.size + UInt64(size), count: count))
        spanCount += 1
        merge()
    }

    /// One more reference to a range. False when there are as many as can be counted.
    package mutating func retain(_ begin: UInt64, _ end: UInt64) -> Bool {
        change(begin, end) { $0 < .max ? $0 + 1 : nil }
    }

    /// One reference to a range less. False when some part of it has none.
    package mutating func release(_ begin: UInt64, _ end: UInt64) -> Bool {
        change(begin, end) { $0 > 0 ? $0 - 1 : nil }
    }

    /// False, and nothing is changed, where `changed` gives nothing or the range goes beyond the end.
    private mutating func change(_ begin: UInt64, _ end: UInt64, _ changed: (UInt32) -> UInt32?) -> Bool {
        guard begin < end, end <= size else { return false }
        var result: [Run] = []
        var start: UInt64 = 0
        for run in runs {
            if start < begin { result.append(Run(end: min(run.end, begin), count: run.count)) }
            if max(start, begin) < min(run.end, end) {
                guard let count = changed(run.count) else { return false }
                result.append(Run(end: min(run.end, end), count: count))
            }
            if run.end > end { result.append(Run(end: run.end, count: run.count)) }
            start = run.end
        }
        runs = result
        merge()
        return true
    }

    /// Joins neighbours of one count and drops what is not referred to at the end.
    private mutating func merge() {
        var merged: [Run] = []
        for run in runs {
            if let last = merged.last, last.count == run.count {
                merged[merged.count - 1].end = run.end
            } else {
                merged.append(run)
            }
        }
        if merged.last?.count == 0 { merged.removeLast() }
        runs = merged
    }

    /// Version 1 has no holes.
    private var version: UInt8 { holes == 0 ? 1 : 2 }

    package static var minimumWireSize: Int { 7 }
    package var encodedSize: Int { 7 + (holes == 0 ? 0 : 8) + runs.count * Run.minimumWireSize }

    package init(from reader: inout WireReader) throws(DecodeError) {
        let version = try reader.read(UInt8.self)
        guard (1...2).contains(version) else { throw .invalidVariant }
        spanCount = try reader.read()
        holes = version == 1 ? 0 : try reader.read()
        guard version == 1 || holes > 0 else { throw .invalidValue }
        runs = try reader.list()
        // Whatever comes of a record that breaks a rule, it must not trap.
        for (run, next) in zip(runs, runs.dropFirst()) where run.end >= next.end { throw .invalidValue }
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(version)
        try writer.write(spanCount)
        if holes > 0 { try writer.write(holes) }
        try writer.list(runs)
    }
}

extension BodyRecord.Run {
    package static var minimumWireSize: Int { 12 }
    package var encodedSize: Int { 12 }

    package init(from reader: inout WireReader) throws(DecodeError) {
        end = try reader.read()
        count = try reader.read()
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(end)
        try writer.write(count)
    }
}

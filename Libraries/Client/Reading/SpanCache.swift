import Protocol

/// Known spans by file, shared by all readers of a client. Bounded. Confined to the loop.
package final class SpanCache {
    private static let limit = 4096

    private var files: [InodeID: FileSpans] = [:]

    package init() {}

    package func span(of file: InodeID, at offset: UInt64) -> SpanInfo? {
        files[file]?.span(at: offset)
    }

    package func insert(_ spans: [SpanInfo], of file: InodeID) {
        if files.count >= Self.limit, files[file] == nil { files.removeAll(keepingCapacity: true) }
        files[file, default: FileSpans()].insert(spans)
    }

    package func forget(_ file: InodeID, _ range: Range<UInt64>) {
        files[file]?.forget(range)
    }
}

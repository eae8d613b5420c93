import Client
import Protocol

/// The spans of a file, page by page, or one of them.
struct SpanListing<Cluster: RepairCluster>: Sendable {
    /// As large as a datagram may be.
    private static var mtu: UInt16 { 8972 }

    let cluster: Cluster
    let file: InodeID
    private let onlyOffset: UInt64?
    private var nextOffset: UInt64?

    /// - Parameter spanOffset: where the only span begins that is wanted; nil: all of them.
    init(cluster: Cluster, file: InodeID, spanAt spanOffset: UInt64? = nil) {
        self.cluster = cluster
        self.file = file
        onlyOffset = spanOffset
        nextOffset = spanOffset ?? 0
    }

    /// Some spans of a file.
    struct Page {
        var copies: [SpanCopy] = []
        /// What was described so that nothing can be done about it.
        var impossible: [ImpossibleSpan] = []

        init(_ answer: FileSpansResponse, of file: InodeID, onlyAt offset: UInt64? = nil) {
            for span in answer.spans where offset == nil || span.header.byteOffset == offset {
                do throws(ImpossibleSpan) {
                    copies += try SpanCopy.all(of: span, answer.blockServices, in: file)
                } catch {
                    impossible.append(error)
                }
            }
        }
    }

    /// The next few spans; nil after the last.
    mutating func next() async throws(ClientError) -> Page? {
        guard let offset = nextOffset else { return nil }
        let page = try await cluster.call(
            FileSpansRequest(fileId: file, byteOffset: offset, limit: onlyOffset == nil ? 0 : 1, mtu: Self.mtu),
            shard: file.shard)
        if let onlyOffset {
            nextOffset = nil
            return Page(page, of: file, onlyAt: onlyOffset)
        }
        guard page.nextOffset == 0 || page.nextOffset > offset else {
            throw ClientError(.malformedAnswer, "FILE_SPANS of \(file)", "the listing does not advance")
        }
        nextOffset = page.nextOffset == 0 ? nil : page.nextOffset
        return Page(page, of: file)
    }

    /// The same copy as it is now; nil when it is there no more.
    static func current(_ copy: SpanCopy, in cluster: Cluster) async throws(ClientError) -> SpanCopy? {
        do throws(ClientError) {
            let answer = try await cluster.call(
                FileSpansRequest(fileId: copy.file, byteOffset: copy.byteOffset, limit: 1, mtu: mtu),
                shard: copy.file.shard)
            let page = Page(answer, of: copy.file, onlyAt: copy.byteOffset)
            if let impossible = page.impossible.first { throw impossible.error("FILE_SPANS of \(copy.file)") }
            return page.copies.first { $0.location == copy.location }
        } catch {
            guard error.isRefusal(.fileNotFound) else { throw error }
            return nil
        }
    }
}

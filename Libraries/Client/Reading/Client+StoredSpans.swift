import Protocol

/// Some spans of a file, with what is stored of them in every location.
public struct StoredSpans: Sendable {
    /// In order; the first one covers the offset that was asked for.
    public let spans: [CheckedSpan]
    /// Where the next ones begin; nil at the end.
    public let next: UInt64?
}

extension Client {
    /// Spans of a file that has a name, or had one, from the one on that covers `offset`. Not of symbolic links.
    public func storedSpans(of file: InodeID, from offset: UInt64 = 0) async throws(ClientError) -> StoredSpans {
        let request = FileSpansRequest(fileId: file, byteOffset: offset, limit: 0, mtu: options.datagramBytes)
        return try StoredSpans(try await call(request, shard: file.shard), of: file, from: offset)
    }

    /// The same for what must not fail because a server is away for a while.
    func persistentSpans(of file: InodeID, from offset: UInt64) async throws(ClientError) -> [CheckedSpan] {
        let request = FileSpansRequest(fileId: file, byteOffset: offset, limit: 0, mtu: options.datagramBytes)
        return try StoredSpans(try await persist(request, shard: file.shard), of: file, from: offset).spans
    }
}

extension StoredSpans {
    fileprivate init(
        _ page: FileSpansResponse, of file: InodeID, from offset: UInt64
    ) throws(ClientError) {
        var spans: [CheckedSpan] = []
        for span in page.spans {
            do throws(ImpossibleSpan) {
                spans.append(try CheckedSpan(span, services: page.blockServices))
            } catch {
                throw error.error("FILE_SPANS of \(file)")
            }
        }
        guard page.nextOffset == 0 || page.nextOffset > offset else {
            throw ClientError(.malformedAnswer, "FILE_SPANS of \(file)", "it does not advance")
        }
        self.spans = spans
        next = page.nextOffset == 0 ? nil : page.nextOffset
    }
}

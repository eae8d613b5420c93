import Erasure
import Mutations
import Protocol

// Files that refer to spans of other files instead of having copies of them (extension SHARED_SPANS).

extension Client {
    /// Appends a range of another file of the same shard to a transient file, without copying data: however long it is,
    /// a few requests do. Both files refer to the same spans from then on.
    ///
    /// Whether the storage that the source has suits the file's directory is the caller's to see to (`referable`).
    /// - Parameters:
    ///   - byteOffset: where the transient file ends, a multiple of 4096.
    ///   - range: begins where a span of the source begins, and ends where one ends or at a multiple of 4096 inside one
    ///     in blocks; within the source.
    ///   - cut: how a span in which the range ends is cut (`cut(of:at:)`); nil: that is found out, however long it
    ///     takes until what has to be read for it can be read.
    /// - Returns: the size of the transient file afterwards.
    /// - Throws: a refusal with UNRECOGNIZED_REQUEST where the servers do not know the extension: then nothing was
    ///   asked. After other errors the file may have got a part of the range; `size(of:)` tells.
    public func refer(
        _ file: TransientHandle, at byteOffset: UInt64, to source: InodeID, _ range: Range<UInt64>,
        cut known: SpanCut? = nil
    ) async throws(ClientError) -> UInt64 {
        let operation = "a reference to file \(source)"
        guard supports(.sharedSpans) else { throw ClientError(.refused(.unrecognizedRequest), operation) }
        guard file.id.shard == source.shard, !range.isEmpty else { throw ClientError(.invalidArgument, operation) }
        let cut: SpanCut
        if let known {
            cut = known
        } else if Mutation.cutsWaitForNobody.isPlanted {
            cut = try await self.cut(of: source, at: range.upperBound)
        } else {
            cut = try await outlastingOutages(of: file) { () throws(ClientError) in
                try await self.cut(of: source, at: range.upperBound)
            }
        }
        let end = byteOffset + UInt64(range.count)
        var size = byteOffset
        while size < end {
            let request = ReferSpansRequest(
                fileId: file.id, cookie: file.cookie, byteOffset: size, sourceId: source,
                sourceOffset: range.lowerBound + (size - byteOffset), length: end - size, keptCrc: cut.kept,
                restCrc: cut.rest)
            let reached = try await referred(request)
            guard reached > size, reached <= end else {
                throw ClientError(.malformedAnswer, operation, "from \(size) to \(reached) of \(end)")
            }
            size = reached
        }
        return size
    }

    /// One step; the file's size after it.
    private func referred(_ request: ReferSpansRequest) async throws(ClientError) -> UInt64 {
        let outcome = await persistCounted(request, shard: request.fileId.shard)
        do throws(ClientError) {
            return try outcome.result.get().size
        } catch {
            // An answer may have been lost, and the request asked again as another one. Nobody else writes the file.
            guard outcome.attempts > 1, error.isRefusal(.spanNotFound) else { throw error }
            let size = try await size(of: TransientHandle(id: request.fileId, cookie: request.cookie))
            guard size > request.byteOffset else { throw error }
            return size
        }
    }

    /// The size of a transient file by now.
    public func size(of file: TransientHandle) async throws(ClientError) -> UInt64 {
        try await persist(StatTransientFileRequest(id: file.id), shard: file.id.shard).size
    }

    /// The span that covers the byte at `offset`; nil: the file ends before.
    private func span(of file: InodeID, at offset: UInt64) async throws(ClientError) -> CheckedSpan? {
        let request = LocalFileSpansRequest(fileId: file, byteOffset: offset, limit: 1, mtu: options.datagramBytes)
        let page = try await persist(request, shard: file.shard)
        guard let found = page.spans.first else { return nil }
        do throws(ImpossibleSpan) {
            let span = try CheckedSpan(found, services: page.blockServices)
            return span.byteOffset <= offset && offset < span.endOffset ? span : nil
        } catch {
            throw error.error("LOCAL_FILE_SPANS of \(file)")
        }
    }

    // MARK: Cutting

    /// The checksums of both parts of a span that is cut.
    public struct SpanCut: Hashable, Sendable {
        var kept: CRC32C
        var rest: CRC32C
    }

    /// How the span that covers the byte before `end` is cut there; zeros: it ends there. The checksum of one part,
    /// with that of the whole, gives the other's, so the shorter one is read.
    /// - Throws: also when that cannot be read at the moment.
    func cut(of file: InodeID, at end: UInt64) async throws(ClientError) -> SpanCut {
        guard let span = try await span(of: file, at: end - 1), end < span.endOffset else {
            return SpanCut(kept: .zero, rest: .zero)
        }
        guard !span.isInline, end % UInt64(ClientLimits.pageBytes) == 0 else {
            throw ClientError(.invalidArgument, "a reference to file \(file)", "no span is cut at \(end)")
        }
        let restBytes = span.endOffset - end
        let reader = FileReader(client: self, id: file, size: span.endOffset)
        if end - span.byteOffset < restBytes {
            let kept = try await checksum(of: span.byteOffset..<end, in: reader)
            return SpanCut(kept: kept, rest: span.crc.without(prefix: kept, restLength: restBytes))
        }
        let rest = try await checksum(of: end..<span.endOffset, in: reader)
        return SpanCut(kept: span.crc.without(suffix: rest, length: restBytes), rest: rest)
    }

    private func checksum(of range: Range<UInt64>, in reader: FileReader) async throws(ClientError) -> CRC32C {
        var sum = CRC32C.zero
        var position = range.lowerBound
        while position < range.upperBound {
            let count = min(1 << 20, Int(range.upperBound - position))
            let data = try await reader.read(at: position, count: count)
            guard data.count == count else {
                throw ClientError(.malformedAnswer, "a read of file \(reader.id)", "\(data.count) of \(count) bytes")
            }
            data.withUnsafeSegments { segments in
                for segment in segments { sum = sum.continued(over: segment) }
            }
            position += UInt64(count)
        }
        return sum
    }
}

import Protocol
import Store

// Files that refer to spans instead of copying them (README.md, "Shared spans").

extension ShardCore {
    /// REFER_SPANS
    func referSpans(_ request: ReferSpansRequest, _ entry: ShardLogEntry) throws(ShardFailure) -> ReferSpansResponse {
        var file = try strictTransientFile(request.fileId, entry)
        guard file.lastSpanState == .clean else { throw .refused(.lastSpanStateNotClean) }
        guard file.size == request.byteOffset else { throw .refused(.spanNotFound) }
        let source = try shareable(request.sourceId)
        var sharing = SpanSharing(state, from: request.sourceId, source, for: entry)
        try sharing.share(CutRange(request, sourceSize: source.size))
        for (byteOffset, extent) in try sharing.placed(in: request.fileId, at: file.size) {
            switch extent {
            case .span(let span): try state.putSpan(request.fileId, byteOffset, span)
            case .reference(let reference): try state.putReference(request.fileId, byteOffset, reference)
            }
        }
        file.size = try extended(file, by: sharing.length)
        if entry.keepsAttributes { file.holes += sharing.holes }
        try sharing.store()
        try state.putTransientFile(request.fileId, file)
        return ReferSpansResponse(size: file.size)
    }

    /// A file whose spans may be shared: not a body, which belongs to those that refer to it.
    private func shareable(_ id: InodeID) throws(ShardFailure) -> SpanSharing.Source {
        switch try state.inode(id) {
        case .linked(let file):
            guard try state.body(id) == nil else { throw .refused(.fileNotFound) }
            return SpanSharing.Source(size: file.size, lastSpanState: .clean)
        case .transient(let file): return SpanSharing.Source(size: file.size, lastSpanState: file.lastSpanState)
        case .absent: throw .refused(.fileNotFound)
        }
    }
}

/// The range of the source that a REFER_SPANS asks for.
struct CutRange {
    let begin: UInt64
    let end: UInt64
    private let keptCRC: CRC32C
    private let restCRC: CRC32C

    init(_ request: ReferSpansRequest, sourceSize: UInt64) {
        begin = request.sourceOffset
        let (sum, overflow) = begin.addingReportingOverflow(request.length)
        end = overflow ? sourceSize : min(sum, sourceSize)
        keptCRC = request.keptCrc
        restCRC = request.restCrc
    }

    /// What is kept of a span that begins at `byteOffset` of the source and goes on behind the end of the range. The
    /// checksums that came with the request have to prove it.
    func cut(_ span: SpanRecord, at byteOffset: UInt64) throws(ShardFailure) -> (size: UInt32, crc: CRC32C) {
        let size = UInt32(truncatingIfNeeded: end - byteOffset)
        guard ShardCore.isPageAligned(end), !span.isInline,
            keptCRC.appending(restCRC, length: UInt64(span.size - size)) == span.crc
        else { throw .refused(.badSpanBody) }
        return (size, keptCRC)
    }
}

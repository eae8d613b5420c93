import Erasure
import Protocol

// What shards tell of spans, and files that refer to those of others: here they have them all themselves, as nothing is
// ever erased.

extension FakeShards {
    private var services: [BlockService] {
        blocks.all.map { BlockService(addrs: blocks.announced, id: FakeBlockServices.id($0), flags: blocks.flags) }
    }

    /// Two at a time, to make readers go on.
    private func page(
        of id: InodeID, from offset: UInt64
    ) throws(ProtocolError) -> (spans: [FetchedSpan], nextOffset: UInt64) {
        guard let file = files[id] else { throw .fileNotFound }
        let from = file.spans.lastIndex { $0.header.byteOffset <= offset } ?? 0
        let some = Array(file.spans[from...].prefix(2))
        return (some, from + some.count < file.spans.count ? file.spans[from + some.count].header.byteOffset : 0)
    }

    func spans(_ request: LocalFileSpansRequest) throws(ProtocolError) -> AnyShardResponse {
        let (spans, next) = try page(of: request.fileId, from: request.byteOffset)
        return .localFileSpans(LocalFileSpansResponse(nextOffset: next, blockServices: services, spans: spans))
    }

    /// There is one location.
    func spans(_ request: FileSpansRequest) throws(ProtocolError) -> AnyShardResponse {
        let (spans, next) = try page(of: request.fileId, from: request.byteOffset)
        let full = spans.map { span in
            let body: FetchedFullSpan.Body =
                switch span.body {
                case .inline(let inline): .inline(inline)
                case .blocks(let blocks):
                    .locations(
                        FetchedLocations(locations: [
                            FetchedBlockServices(
                                locationId: .default, storageClass: span.header.storageClass, parity: blocks.parity,
                                stripes: blocks.stripes, cellSize: blocks.cellSize, blocks: blocks.blocks,
                                stripesCrc: blocks.stripesCrc)
                        ]))
                }
            let header = FetchedSpanHeaderFull(
                byteOffset: span.header.byteOffset, size: span.header.size, crc: span.header.crc,
                isInline: span.header.storageClass == .inline)
            return FetchedFullSpan(header: header, body: body)
        }
        return .fileSpans(FileSpansResponse(nextOffset: next, blockServices: services, spans: full))
    }

    /// Three spans at a time, to make writers go on. A repeated request is not known.
    func refer(_ request: ReferSpansRequest) throws(ProtocolError) -> AnyShardResponse {
        var file = try transient(request.fileId, request.cookie)
        guard let source = files[request.sourceId] else { throw .fileNotFound }
        guard !file.isDirty else { throw .lastSpanStateNotClean }
        guard file.size == request.byteOffset, request.byteOffset % 4096 == 0 else { throw .spanNotFound }
        guard let first = source.spans.firstIndex(where: { $0.header.byteOffset == request.sourceOffset }) else {
            throw .spanNotFound
        }
        guard referencesBeforeRefusal > 0 else { throw .badSpanBody }
        referencesBeforeRefusal -= 1
        let end = request.sourceOffset + request.length
        for index in first..<min(first + 3, source.spans.count) where source.spans[index].header.byteOffset < end {
            if source.isDirty, index == source.spans.count - 1 { throw .lastSpanStateNotClean }
            var span = source.spans[index]
            let size = min(UInt64(span.header.size), end - span.header.byteOffset)
            if size < span.header.size {
                guard case .blocks = span.body, end % 4096 == 0,
                    request.keptCrc.appending(request.restCrc, length: UInt64(span.header.size) - size)
                        == span.header.crc
                else { throw .badSpanBody }
                (span.header.size, span.header.crc) = (UInt32(size), request.keptCrc)
            }
            span.header.byteOffset = file.size
            file.spans.append(span)
            file.size += size
            referredBytes += size
        }
        files[request.fileId] = file
        return .referSpans(ReferSpansResponse(size: file.size))
    }
}

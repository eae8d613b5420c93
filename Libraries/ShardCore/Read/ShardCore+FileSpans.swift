import Protocol
import Store

// Where the bytes of a file are (metadata.md B.6).

extension ShardCore {
    /// LOCAL_FILE_SPANS: of each span the copy in this shard's location, or the first one.
    func localFileSpans(_ request: LocalFileSpansRequest) throws(ShardFailure) -> LocalFileSpansResponse {
        guard request.fileId.isFile else { throw .refused(.typeIsDirectory) }
        var page = SpanPage<FetchedSpan>(mtu: request.mtu, limit: request.limit)
        try state.forEachSpan(request.fileId, from: request.byteOffset) { byteOffset, span in
            page.append(at: byteOffset) { services in self.fetchedSpan(byteOffset, span, &services) }
        }
        if page.spans.isEmpty { try checkReadable(request.fileId) }
        return LocalFileSpansResponse(
            nextOffset: page.nextOffset, blockServices: page.services.map(readableService), spans: page.spans)
    }

    /// FILE_SPANS: every copy of each span.
    func fileSpans(_ request: FileSpansRequest) throws(ShardFailure) -> FileSpansResponse {
        guard request.fileId.isFile else { throw .refused(.typeIsDirectory) }
        var page = SpanPage<FetchedFullSpan>(mtu: request.mtu, limit: request.limit)
        try state.forEachSpan(request.fileId, from: request.byteOffset) { byteOffset, span in
            page.append(at: byteOffset) { services in self.fetchedFullSpan(byteOffset, span, &services) }
        }
        if page.spans.isEmpty { try checkReadable(request.fileId) }
        return FileSpansResponse(
            nextOffset: page.nextOffset, blockServices: page.services.map(readableService), spans: page.spans)
    }

    /// FILE_REFERENCES
    func fileReferences(_ request: FileReferencesRequest) throws(ShardFailure) -> FileReferencesResponse {
        guard request.fileId.isFile else { throw .refused(.typeIsDirectory) }
        try checkReadable(request.fileId)
        var response = FileReferencesResponse(
            isBody: try state.body(request.fileId) != nil, nextOffset: 0, references: [])
        var budget = PageBudget(mtu: request.mtu, fixedSize: 11)
        try state.forEachReference(request.fileId, from: request.byteOffset) { byteOffset, reference in
            guard budget.take(FileReference.minimumWireSize) else {
                response.nextOffset = byteOffset
                return false
            }
            response.references.append(
                FileReference(
                    byteOffset: byteOffset, length: reference.length, bodyId: reference.body,
                    bodyOffset: reference.begin))
            return true
        }
        return response
    }

    /// Having no span is fine for a file that exists, transient or not.
    private func checkReadable(_ file: InodeID) throws(ShardFailure) {
        guard try state.inode(file) != .absent else { throw .refused(.fileNotFound) }
    }

    private func fetchedSpan(_ byteOffset: UInt64, _ span: SpanRecord, _ services: inout ServiceList) -> FetchedSpan {
        switch span.content {
        case .inline(let body):
            return FetchedSpan(
                header: FetchedSpanHeader(
                    byteOffset: byteOffset, size: span.size, crc: span.crc, storageClass: .inline),
                body: .inline(FetchedInlineSpan(body: body)))
        case .blocks(let locations):
            // A block span has at least one location.
            let chosen = locations.first { $0.location == location } ?? locations[0]
            return FetchedSpan(
                header: FetchedSpanHeader(
                    byteOffset: byteOffset, size: span.size, crc: span.crc, storageClass: chosen.storageClass),
                body: .blocks(
                    FetchedBlocksSpan(
                        parity: chosen.parity, stripes: chosen.stripes, cellSize: chosen.cellSize,
                        blocks: services.fetched(chosen.blocks), stripesCrc: chosen.stripeCRCs)))
        }
    }

    private func fetchedFullSpan(
        _ byteOffset: UInt64, _ span: SpanRecord, _ services: inout ServiceList
    ) -> FetchedFullSpan {
        let header = FetchedSpanHeaderFull(
            byteOffset: byteOffset, size: span.size, crc: span.crc, isInline: span.isInline)
        switch span.content {
        case .inline(let body):
            return FetchedFullSpan(header: header, body: .inline(FetchedInlineSpan(body: body)))
        case .blocks(let locations):
            let copies = locations.map { copy in
                FetchedBlockServices(
                    locationId: copy.location, storageClass: copy.storageClass, parity: copy.parity,
                    stripes: copy.stripes, cellSize: copy.cellSize, blocks: services.fetched(copy.blocks),
                    stripesCrc: copy.stripeCRCs)
            }
            return FetchedFullSpan(header: header, body: .locations(FetchedLocations(locations: copies)))
        }
    }
}

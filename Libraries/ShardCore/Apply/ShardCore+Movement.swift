import Protocol

// Moving blocks and spans between files: migration, defragmentation, further locations (metadata.md B.14).

extension ShardCore {
    /// How far a span of a file is: all but the last one of a transient file are certified.
    private func spanState(
        _ file: InodeID, _ byteOffset: UInt64, _ span: SpanRecord
    ) throws(ShardFailure) -> SpanState {
        guard case .transient(let record) = try state.inode(file) else { return .clean }
        return byteOffset &+ UInt64(span.size) == record.size ? record.lastSpanState : .clean
    }

    private func isLinked(_ file: InodeID) throws(ShardFailure) -> Bool {
        guard case .linked = try state.inode(file) else { return false }
        return true
    }

    /// SWAP_BLOCKS
    func swapBlocks(
        _ request: SwapBlocksRequest, _ domains: [ServiceDomain]
    ) throws(ShardFailure) -> AnyShardResponse {
        let done = AnyShardResponse.swapBlocks(SwapBlocksResponse())
        guard let span1 = try state.span(request.fileId1, request.byteOffset1),
            let span2 = try state.span(request.fileId2, request.byteOffset2)
        else { throw .refused(.spanNotFound) }
        guard !span1.isInline, !span2.isInline else { throw .refused(.swapBlocksInlineStorage) }
        let state1 = try spanState(request.fileId1, request.byteOffset1, span1)
        let state2 = try spanState(request.fileId2, request.byteOffset2, span2)
        guard state1 == state2 else { throw .refused(.swapBlocksMismatchingState) }
        if state1 != .clean {
            // Whatever the records say, nothing uncertified may get into a file that can be read.
            let isLinked1 = try isLinked(request.fileId1)
            let isLinked2 = try isLinked(request.fileId2)
            guard !isLinked1, !isLinked2 else { throw .refused(.swapBlocksMismatchingState) }
        }
        guard let place1 = span1.place(of: request.blockId1), let place2 = span2.place(of: request.blockId2) else {
            if span1.place(of: request.blockId2) != nil, span2.place(of: request.blockId1) != nil { return done }
            throw .refused(.blockNotFound)
        }
        let swap = BlockSwap(span1, place1, span2, place2)
        if let reason = swap.reasonAgainst(domains) { throw .refused(reason) }
        let (new1, new2) = swap.swapped()
        try state.putSpan(request.fileId1, request.byteOffset1, new1, replacing: span1)
        try state.putSpan(request.fileId2, request.byteOffset2, new2, replacing: span2)
        return done
    }

    /// SWAP_SPANS
    func swapSpans(_ request: SwapSpansRequest) throws(ShardFailure) -> SwapSpansResponse {
        guard let span1 = try state.span(request.fileId1, request.byteOffset1),
            let span2 = try state.span(request.fileId2, request.byteOffset2)
        else { throw .refused(.spanNotFound) }
        guard !span1.isInline, !span2.isInline else { throw .refused(.swapSpansInlineStorage) }
        guard span1.size == span2.size else { throw .refused(.swapSpansMismatchingSize) }
        guard span1.crc == span2.crc else { throw .refused(.swapSpansMismatchingCrc) }
        guard try spanState(request.fileId1, request.byteOffset1, span1) == .clean,
            try spanState(request.fileId2, request.byteOffset2, span2) == .clean
        else { throw .refused(.swapSpansNotClean) }
        let blocks1 = span1.allBlocks.map(\.id)
        let blocks2 = span2.allBlocks.map(\.id)
        if blocks1 == request.blocks2, blocks2 == request.blocks1 { return SwapSpansResponse() }
        guard blocks1 == request.blocks1, blocks2 == request.blocks2 else {
            throw .refused(.swapSpansMismatchingBlocks)
        }
        try state.putSpan(request.fileId1, request.byteOffset1, span2, replacing: span1)
        try state.putSpan(request.fileId2, request.byteOffset2, span1, replacing: span2)
        return SwapSpansResponse()
    }

    /// ADD_SPAN_LOCATION: the only location of the last span of transient file 1 becomes another one of a span of
    /// linked file 2.
    func addLocation(
        _ request: AddSpanLocationRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> AddSpanLocationResponse {
        _ = try linkedFile(request.fileId2)
        var source = try strictTransientFile(request.fileId1, entry)
        guard source.lastSpanState == .clean else { throw .refused(.lastSpanStateNotClean) }
        guard let target = try state.span(request.fileId2, request.byteOffset2) else { throw .refused(.spanNotFound) }
        guard !target.isInline else { throw .refused(.addSpanLocationInlineStorage) }
        if let span = try state.span(request.fileId1, request.byteOffset1) {
            let extended = try extend(target, by: span, request, source)
            state.removeSpan(request.fileId1, request.byteOffset1, span)
            try state.putSpan(request.fileId2, request.byteOffset2, extended, replacing: target)
            source.size = request.byteOffset1
        } else {
            // A repeated request finds the blocks where it brought them.
            guard target.locations.contains(where: { $0.blocks.map(\.id) == request.blocks1 }) else {
                throw .refused(.spanNotFound)
            }
        }
        try state.putTransientFile(request.fileId1, source)
        return AddSpanLocationResponse()
    }

    private func extend(
        _ target: SpanRecord, by span: SpanRecord, _ request: AddSpanLocationRequest, _ source: TransientFileRecord
    ) throws(ShardFailure) -> SpanRecord {
        guard !span.isInline else { throw .refused(.swapSpansInlineStorage) }
        guard span.size == target.size else { throw .refused(.addSpanLocationMismatchingSize) }
        guard span.crc == target.crc else { throw .refused(.addSpanLocationMismatchingCrc) }
        guard span.locations.count == 1, let moved = span.locations.first else {
            throw .refused(.transientLocationCount)
        }
        guard !target.locations.contains(where: { $0.location == moved.location }) else {
            throw .refused(.addSpanLocationExists)
        }
        guard source.size == request.byteOffset1 &+ UInt64(span.size) else { throw .refused(.spanNotFound) }
        guard moved.blocks.map(\.id) == request.blocks1 else { throw .refused(.swapSpansMismatchingBlocks) }
        var extended = target
        extended.content = .blocks(target.locations + [moved])
        return extended
    }
}

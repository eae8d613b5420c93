import Protocol

// Moving blocks and spans between files: migration, defragmentation, further locations (metadata.md B.14).

extension ShardCore {
    /// The spans that two sides of a request are about, which have to be two.
    private func twoHomes(
        _ file1: InodeID, _ byteOffset1: UInt64, _ file2: InodeID, _ byteOffset2: UInt64
    ) throws(ShardFailure) -> (SpanHome, SpanHome) {
        guard let home1 = try state.home(of: file1, byteOffset1), let home2 = try state.home(of: file2, byteOffset2)
        else { throw .refused(.spanNotFound) }
        guard home1.file != home2.file || home1.byteOffset != home2.byteOffset else {
            throw .refused(.sameSourceAndDestination)
        }
        return (home1, home2)
    }

    /// How far a span is: all but the last one of a transient file are certified.
    private func spanState(_ home: SpanHome) throws(ShardFailure) -> SpanState {
        guard case .transient(let record) = try state.inode(home.file) else { return .clean }
        return home.byteOffset &+ UInt64(home.span.size) == record.size ? record.lastSpanState : .clean
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
        let (home1, home2) = try twoHomes(
            request.fileId1, request.byteOffset1, request.fileId2, request.byteOffset2)
        let (span1, span2) = (home1.span, home2.span)
        guard !span1.isInline, !span2.isInline else { throw .refused(.swapBlocksInlineStorage) }
        let state1 = try spanState(home1)
        let state2 = try spanState(home2)
        guard state1 == state2 else { throw .refused(.swapBlocksMismatchingState) }
        if state1 != .clean {
            // Whatever the records say, nothing uncertified may get into a file that can be read.
            let isLinked1 = try isLinked(home1.file)
            let isLinked2 = try isLinked(home2.file)
            guard !isLinked1, !isLinked2 else { throw .refused(.swapBlocksMismatchingState) }
        }
        guard let place1 = span1.place(of: request.blockId1), let place2 = span2.place(of: request.blockId2) else {
            if span1.place(of: request.blockId2) != nil, span2.place(of: request.blockId1) != nil { return done }
            throw .refused(.blockNotFound)
        }
        let swap = BlockSwap(span1, place1, span2, place2)
        if let reason = swap.reasonAgainst(domains) { throw .refused(reason) }
        let (new1, new2) = swap.swapped()
        try state.putSpan(home1.file, home1.byteOffset, new1, replacing: span1)
        try state.putSpan(home2.file, home2.byteOffset, new2, replacing: span2)
        return done
    }

    /// SWAP_SPANS
    func swapSpans(_ request: SwapSpansRequest, _ entry: ShardLogEntry) throws(ShardFailure) -> SwapSpansResponse {
        let (home1, home2) = try twoHomes(
            request.fileId1, request.byteOffset1, request.fileId2, request.byteOffset2)
        let (span1, span2) = (home1.span, home2.span)
        guard !span1.isInline, !span2.isInline else { throw .refused(.swapSpansInlineStorage) }
        guard span1.size == span2.size else { throw .refused(.swapSpansMismatchingSize) }
        guard span1.crc == span2.crc else { throw .refused(.swapSpansMismatchingCrc) }
        guard try spanState(home1) == .clean,
            try spanState(home2) == .clean
        else { throw .refused(.swapSpansNotClean) }
        let blocks1 = span1.allBlocks.map(\.id)
        let blocks2 = span2.allBlocks.map(\.id)
        if blocks1 == request.blocks2, blocks2 == request.blocks1 { return SwapSpansResponse() }
        guard blocks1 == request.blocks1, blocks2 == request.blocks2 else {
            throw .refused(.swapSpansMismatchingBlocks)
        }
        try state.putSpan(home1.file, home1.byteOffset, span2, replacing: span1)
        try state.putSpan(home2.file, home2.byteOffset, span1, replacing: span2)
        if entry.keepsAttributes, span1.holeBytes != span2.holeBytes, home1.file != home2.file {
            try exchangeHoles(home1.file, span1, for: span2)
            try exchangeHoles(home2.file, span2, for: span1)
        }
        return SwapSpansResponse()
    }

    /// A span with as many bytes, but perhaps not as many zeros that take no room, took the place of another one. Two
    /// spans of one file exchange nothing. Nobody knows who refers to a body: who does so already keeps his count.
    private func exchangeHoles(
        _ id: InodeID, _ old: SpanRecord, for new: SpanRecord
    ) throws(ShardFailure) {
        func holes(_ before: UInt64) -> UInt64 { before - min(before, old.holeBytes) + new.holeBytes }
        switch try state.inode(id) {
        case .linked(var file):
            if var body = try state.body(id) {
                body.holes = holes(body.holes)
                return try state.putBody(id, body)
            }
            file.attributes.holes = holes(file.attributes.holes)
            try state.putFile(id, file, wasTransient: false)
        case .transient(var file):
            switch file.fate {
            case .open: file.holes = holes(file.holes)
            case .superseded(var version):
                version.attributes.holes = holes(version.attributes.holes)
                file.fate = .superseded(version)
            case .doomed, .openByEntryTime: return
            }
            try state.putTransientFile(id, file)
        case .absent: break
        }
    }

    /// ADD_SPAN_LOCATION: the only location of the last span of transient file 1 becomes another one of a span of
    /// linked file 2.
    func addLocation(
        _ request: AddSpanLocationRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> AddSpanLocationResponse {
        _ = try linkedFile(request.fileId2)
        var source = try strictTransientFile(request.fileId1, entry)
        guard source.lastSpanState == .clean else { throw .refused(.lastSpanStateNotClean) }
        guard let home = try state.home(of: request.fileId2, request.byteOffset2) else {
            throw .refused(.spanNotFound)
        }
        let target = home.span
        guard !target.isInline else { throw .refused(.addSpanLocationInlineStorage) }
        switch try state.extent(request.fileId1, request.byteOffset1) {
        case .span(let span)?:
            let extended = try extend(target, by: span, request, source)
            state.removeSpan(request.fileId1, request.byteOffset1, span)
            try state.putSpan(home.file, home.byteOffset, extended, replacing: target)
            source.size = request.byteOffset1
            source.holes -= min(source.holes, span.holeBytes)
        case .reference?:
            // Others may have the span as well.
            throw .refused(.spanNotFound)
        case nil:
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

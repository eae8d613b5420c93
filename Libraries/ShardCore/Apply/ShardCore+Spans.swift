import Mutations
import Protocol

// Appending spans to files (metadata.md A.7, B.9).

extension ShardCore {
    /// ADD_INLINE_SPAN
    func addInlineSpan(
        _ request: AddInlineSpanRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> AddInlineSpanResponse {
        var file = try strictTransientFile(request.fileId, entry)
        try append(request, to: &file, entry)
        try state.putTransientFile(request.fileId, file)
        return AddInlineSpanResponse()
    }

    /// Stores the span and extends `file` by it; the caller stores that.
    func append(
        _ request: AddInlineSpanRequest, to file: inout TransientFileRecord, _ entry: ShardLogEntry
    ) throws(ShardFailure) {
        guard !request.body.isEmpty else { return }
        let span = SpanRecord(size: request.size, crc: request.crc, content: .inline(request.body))
        if file.size == request.byteOffset {
            guard file.lastSpanState == .clean else { throw .refused(.lastSpanStateNotClean) }
            file.size = try extended(file, by: UInt64(request.size))
            if entry.keepsAttributes { file.holes += span.holeBytes }
            try state.putSpan(request.fileId, request.byteOffset, span)
        } else {
            // A repeated request finds exactly its own span at the end.
            guard file.size == request.byteOffset &+ UInt64(request.size),
                try state.extent(request.fileId, request.byteOffset) == .span(span)
            else { throw .refused(.spanNotFound) }
            if Mutation.holesAreCountedTwice.isPlanted { file.holes += span.holeBytes }
        }
    }

    /// ADD_SPAN_INITIATE in its three forms.
    func addSpan(_ new: NewSpan, _ entry: ShardLogEntry) throws(ShardFailure) -> AnyShardResponse {
        var file = try strictTransientFile(new.fileId, entry)
        let placed: SpanLocation
        if file.size == new.byteOffset {
            guard file.lastSpanState == .clean else { throw .refused(.lastSpanStateNotClean) }
            placed = try place(new, entry)
            file.size = try extended(file, by: UInt64(new.size))
            file.lastSpanState = .dirty
            let span = SpanRecord(size: new.size, crc: new.crc, content: .blocks([placed]))
            if entry.keepsAttributes { file.holes += span.holeBytes }
            try state.putSpan(new.fileId, new.byteOffset, span)
        } else {
            placed = try earlierPlacement(of: new, file)
        }
        try state.putTransientFile(new.fileId, file)
        let response = AddSpanInitiateResponse(blocks: placed.blocks.map { newBlockInfo($0, placed.blockSize) })
        return switch new.form {
        case .plain: .addSpanInitiate(response)
        case .withReference: .addSpanInitiateWithReference(AddSpanInitiateWithReferenceResponse(resp: response))
        case .atLocation: .addSpanAtLocationInitiate(AddSpanAtLocationInitiateResponse(resp: response))
        }
    }

    /// The size of a file with one more span. Sizes stay far from where offsets would overflow, which no writer gets
    /// near to.
    func extended(_ file: TransientFileRecord, by size: UInt64) throws(ShardFailure) -> UInt64 {
        let sum = file.size &+ size
        guard sum < 1 << 62 else { throw .refused(.badSpanBody) }
        return sum
    }

    /// Gives the blocks of a new span their numbers.
    private func place(_ new: NewSpan, _ entry: ShardLogEntry) throws(ShardFailure) -> SpanLocation {
        let ids = try takeNumbers(new.blocks.count, for: entry)
        let blocks = zip(new.blocks, ids).map { SpanBlock(service: $0.service, id: $1, crc: $0.crc) }
        return SpanLocation(
            location: new.location, storageClass: new.storageClass, parity: new.parity, stripes: new.stripes,
            cellSize: new.cellSize, blocks: blocks, stripeCRCs: new.stripeCRCs)
    }

    /// The blocks that an earlier copy of the same request was given: a writer must never be handed others for the same
    /// bytes.
    private func earlierPlacement(
        of new: NewSpan, _ file: TransientFileRecord
    ) throws(ShardFailure) -> SpanLocation {
        guard file.size == new.byteOffset &+ UInt64(new.size),
            let span = try state.home(of: new.fileId, new.byteOffset)?.span,
            span.size == new.size, span.crc == new.crc, span.locations.count == 1,
            let placed = span.locations.first,
            placed.cellSize == new.cellSize, placed.stripes == new.stripes, placed.parity == new.parity,
            placed.location == new.location
        else { throw .refused(.spanNotFound) }
        return placed
    }

    /// ADD_SPAN_CERTIFY
    func certifySpan(_ request: CheckedProofs, _ entry: ShardLogEntry) throws(ShardFailure) -> AnyShardResponse {
        var file = try strictTransientFile(request.fileId, entry)
        try certify(request, of: &file)
        try state.putTransientFile(request.fileId, file)
        return .addSpanCertify(AddSpanCertifyResponse())
    }

    /// Finishes the last span of a file, if that is the one the proofs are of and it is not finished yet.
    func certify(_ request: CheckedProofs, of file: inout TransientFileRecord) throws(ShardFailure) {
        guard let home = try state.home(of: request.fileId, request.byteOffset) else { throw .refused(.spanNotFound) }
        let span = home.span
        // Later spans exist only behind certified ones, and only those are shared.
        let isLast = home.file == request.fileId && file.size <= request.byteOffset &+ UInt64(span.size)
        guard isLast, file.lastSpanState != .clean else { return }
        guard file.lastSpanState == .dirty else { throw .refused(.spanNotFound) }
        guard let placed = span.locations.first else { throw .refused(.cannotCertifyBlocklessSpan) }
        guard request.proofs.count == placed.blocks.count else { throw .refused(.badNumberOfBlocksProofs) }
        for (proof, block) in zip(request.proofs, placed.blocks) {
            guard proof.blockId == block.id,
                proof.provenService == block.service || Mutation.proofsAreBelieved.isPlanted
            else { throw .refused(.badBlockProof) }
        }
        file.lastSpanState = .clean
    }

    /// MOVE_SPAN: a span that could not be written goes to a throw-away file.
    func moveSpan(_ request: MoveSpanRequest, _ time: Timestamp) throws(ShardFailure) -> MoveSpanResponse {
        var from = try lenientTransientFile(request.fileId1, time)
        var to = try lenientTransientFile(request.fileId2, time)
        let size = UInt64(request.spanSize)
        let isDone =
            from.size == request.byteOffset1 && from.lastSpanState == .clean
            && to.size == request.byteOffset2 &+ size && to.lastSpanState == .dirty
        if !isDone {
            guard from.lastSpanState == .dirty, from.size == request.byteOffset1 &+ size,
                to.lastSpanState == .clean, to.size == request.byteOffset2,
                let span = try state.extent(request.fileId1, request.byteOffset1)?.ownSpan,
                span.size == request.spanSize
            else { throw .refused(.spanNotFound) }
            state.removeSpan(request.fileId1, request.byteOffset1, span)
            try state.putSpan(request.fileId2, request.byteOffset2, span)
            let holes = min(from.holes, span.holeBytes)
            from.holes -= holes
            to.holes += holes
            from.size = request.byteOffset1
            from.lastSpanState = .clean
            to.size = request.byteOffset2 &+ size
            to.lastSpanState = .dirty
        }
        try state.putTransientFile(request.fileId1, from)
        try state.putTransientFile(request.fileId2, to)
        return MoveSpanResponse()
    }
}

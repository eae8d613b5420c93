import Mutations
import Protocol

// Taking files apart from the end (metadata.md B.13).

extension ShardCore {
    /// REMOVE_SPAN_INITIATE
    func removeLastSpan(
        _ request: RemoveSpanInitiateRequest, _ entry: ShardLogEntry
    ) throws(ShardFailure) -> RemoveSpanInitiateResponse {
        var file = try collectableFile(request.fileId, entry.time)
        // Its writer may have moved the deadline since a collector saw it.
        guard file.isPastDeadline(at: entry) else { throw .refused(.deadlineNotPassed) }
        guard file.size > 0 else { throw .refused(.fileEmpty) }
        if !Mutation.brokenUpFileIsOpen.isPlanted { file.fate = .doomed }
        guard let (byteOffset, span) = try state.lastSpan(request.fileId, notAfter: .max) else {
            throw .state(.corruptRecord(key: state.keys.transientFile(request.fileId)))
        }
        var blocks: [RemoveSpanInitiateBlockInfo] = []
        if span.isInline {
            state.removeSpan(request.fileId, byteOffset, span)
            file.size = byteOffset
        } else {
            file.lastSpanState = .condemned
            blocks = span.allBlocks.map(doomedBlockInfo)
        }
        try state.putTransientFile(request.fileId, file)
        return RemoveSpanInitiateResponse(byteOffset: byteOffset, blocks: blocks)
    }

    /// REMOVE_SPAN_CERTIFY
    func certifyRemoval(_ request: CheckedProofs, _ time: Timestamp) throws(ShardFailure) -> AnyShardResponse {
        var file = try lenientTransientFile(request.fileId, time)
        if let span = try state.span(request.fileId, request.byteOffset) {
            guard !span.isInline else { throw .refused(.cannotCertifyBlocklessSpan) }
            guard file.lastSpanState == .condemned, file.size == request.byteOffset &+ UInt64(span.size) else {
                throw .refused(.spanNotFound)
            }
            try checkErased(span, request.proofs)
            state.removeSpan(request.fileId, request.byteOffset, span)
            file.size = request.byteOffset
            file.lastSpanState = .clean
        }
        try state.putTransientFile(request.fileId, file)
        return .removeSpanCertify(RemoveSpanCertifyResponse())
    }

    /// One proof for each block of each location, in order.
    private func checkErased(_ span: SpanRecord, _ proofs: [CheckedProofs.Proof]) throws(ShardFailure) {
        var remaining = proofs[...]
        for location in span.locations {
            guard remaining.count >= location.blocks.count else { throw .refused(.badNumberOfBlocksProofs) }
            for block in location.blocks {
                guard let proof = remaining.popFirst(), proof.blockId == block.id,
                    proof.provenService == block.service
                else { throw .refused(.badBlockProof) }
            }
        }
        guard remaining.isEmpty else { throw .refused(.badNumberOfBlocksProofs) }
    }
}

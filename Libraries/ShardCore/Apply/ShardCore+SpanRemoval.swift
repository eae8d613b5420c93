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
        if !Mutation.brokenUpFileIsOpen.isPlanted {
            if let version = file.supersededVersion { state.removeExtended(of: request.fileId, version.attributes) }
            file.fate = .doomed
            file.holes = 0
        }
        guard let (byteOffset, extent) = try state.lastExtent(request.fileId, notAfter: .max) else {
            throw .state(.corruptRecord(key: state.keys.transientFile(request.fileId)))
        }
        let removal =
            switch extent {
            case .span(let span): remove(span, at: byteOffset, of: request.fileId, &file)
            case .reference(let reference):
                try remove(reference, at: byteOffset, of: request.fileId, &file, entry)
            }
        try state.putTransientFile(request.fileId, file)
        return removal
    }

    private func remove(
        _ span: SpanRecord, at byteOffset: UInt64, of id: InodeID, _ file: inout TransientFileRecord
    ) -> RemoveSpanInitiateResponse {
        if span.isInline {
            state.removeSpan(id, byteOffset, span)
            file.size = byteOffset
            return RemoveSpanInitiateResponse(byteOffset: byteOffset, blocks: [])
        }
        file.lastSpanState = .condemned
        return RemoveSpanInitiateResponse(byteOffset: byteOffset, blocks: span.allBlocks.map(doomedBlockInfo))
    }

    /// What others refer to as well goes like an inline span. Of what nobody else refers to the last span becomes the
    /// file's own again, to be erased like any.
    private func remove(
        _ reference: SpanReference, at start: UInt64, of id: InodeID, _ file: inout TransientFileRecord,
        _ entry: ShardLogEntry
    ) throws(ShardFailure) -> RemoveSpanInitiateResponse {
        var ledger = BodyLedger(state, for: entry)
        let shared = try ledger.body(reference.body).beginOfShared(reference.begin, reference.end)
        if shared < reference.end {
            try ledger.release(reference.body, shared, reference.end)
            try ledger.store()
            try shorten(reference, at: start, of: id, to: shared)
            file.size = start + (shared - reference.begin)
            return RemoveSpanInitiateResponse(byteOffset: file.size, blocks: [])
        }
        let (place, span) = try state.span(of: reference.body, before: reference.end)
        guard place >= reference.begin, place + UInt64(span.size) == reference.end else {
            throw .state(.corruptRecord(key: state.keys.span(id, start)))
        }
        try ledger.release(reference.body, place, reference.end)
        try ledger.remove(span, at: place, of: reference.body)
        try ledger.store()
        try shorten(reference, at: start, of: id, to: place)
        let byteOffset = start + (place - reference.begin)
        try state.putSpan(id, byteOffset, span)
        // A cut span is whole again.
        file.size = byteOffset + UInt64(span.size)
        return remove(span, at: byteOffset, of: id, &file)
    }

    private func shorten(
        _ reference: SpanReference, at start: UInt64, of id: InodeID, to end: UInt64
    ) throws(ShardFailure) {
        if let rest = reference.upTo(end) {
            try state.putReference(id, start, rest)
        } else {
            state.removeReference(id, start)
        }
    }

    /// REMOVE_SPAN_CERTIFY
    func certifyRemoval(_ request: CheckedProofs, _ time: Timestamp) throws(ShardFailure) -> AnyShardResponse {
        var file = try lenientTransientFile(request.fileId, time)
        if let extent = try state.extent(request.fileId, request.byteOffset) {
            guard let span = extent.ownSpan, !span.isInline else { throw .refused(.cannotCertifyBlocklessSpan) }
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

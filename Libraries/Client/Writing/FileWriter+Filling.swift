import Mutations
import Protocol

// What a successor is made of: references to what nobody touched, where the shard knows them and the spans are stored
// as today's policies say; else copies; and what was touched, coded anew.

extension FileWriter {
    private enum Piece {
        /// Holds memory of `core.rebuildings`.
        case span(EncodedSpan)
        /// What stands there in the lower file.
        case reference(Range<UInt64>)

        var bytes: UInt64 {
            switch self {
            case .span(let span): UInt64(span.logicalBytes)
            case .reference(let range): UInt64(range.count)
            }
        }
    }

    /// While one piece is being stored, the next is read and coded.
    /// - Parameter fresh: the successor, if there is one already.
    /// - Returns: the successor.
    func fill(
        _ fresh: TransientHandle?, upTo end: UInt64, _ touched: OffsetSet
    ) async throws(ClientError) -> TransientHandle {
        // What it begins with is read while it is made, unless others wait for the memory that this takes meanwhile.
        let isAlone = core.rebuildings.usedBytes == 0
        async let begun = made(fresh)
        if !isAlone { _ = await begun }
        var (offset, ready) = (UInt64(0), await prepared(at: 0, upTo: end, touched))
        var places: [AddSpanInitiateBlockInfo]?
        defer { letGo(&ready) }
        let target = try await begun.get()
        while offset < end {
            try checkFailure()
            let following = offset + (try ready.get().bytes)
            async let next = prepared(at: following, upTo: end, touched)
            let outcome = await stored(ready, in: target, at: offset, places, before: following)
            // The next one may be waiting for its memory.
            letGo(&ready)
            ready = await next
            (offset, places) = try outcome.get()
            guard offset != following else { continue }
            letGo(&ready)
            ready = await prepared(at: offset, upTo: end, touched)
        }
        return target
    }

    private func made(_ fresh: TransientHandle?) async -> Result<TransientHandle, ClientError> {
        do throws(ClientError) {
            if let fresh { return .success(fresh) }
            return .success(try await anotherFile())
        } catch {
            return .failure(error)
        }
    }

    private func letGo(_ ready: inout Result<Piece, ClientError>) {
        guard case .success(.span(let span)) = ready else { return }
        rebuilding?.next = nil
        core.rebuildings.remove(span.heldBytes)
        ready = .success(.reference(0..<0))
    }

    /// The end of the target afterwards, and where the blocks of the next span go if the shard said so already.
    private func stored(
        _ ready: Result<Piece, ClientError>, in target: TransientHandle, at offset: UInt64,
        _ places: [AddSpanInitiateBlockInfo]?, before following: UInt64
    ) async -> Result<(UInt64, [AddSpanInitiateBlockInfo]?), ClientError> {
        do throws(ClientError) {
            switch try ready.get() {
            case .reference(let range): return .success((try await refer(target, to: range), nil))
            case .span(let span):
                let stored = try await client.store(span, in: target, at: offset, places: places) {
                    await self.sequel(at: following)
                }
                return .success((following, stored.nextPlaces))
            }
        } catch {
            return .failure(error)
        }
    }

    private func sequel(at offset: UInt64) -> SpanSequel {
        guard let next = rebuilding?.next, next.byteOffset == offset else { return .nothing }
        return .span(next.span, byteOffset: offset)
    }

    /// Refused, what is left is copied.
    private func refer(_ target: TransientHandle, to range: Range<UInt64>) async throws(ClientError) -> UInt64 {
        do {
            return try await client.refer(target, at: range.lowerBound, to: lowerID, range)
        } catch {
            guard error.code != nil, !error.isRefusal(.fileNotFound) else { throw error }
            rebuilding?.refers = false
            if Mutation.refusedReferencesAreBelieved.isPlanted { return range.upperBound }
            return try await client.size(of: target)
        }
    }

    private func prepared(at offset: UInt64, upTo end: UInt64, _ touched: OffsetSet) async -> Result<Piece, ClientError> {
        guard offset < end else { return .success(.reference(end..<end)) }
        do throws(ClientError) {
            let piece: Piece = try await client.outlastingOutages(of: rebuilding?.successor) { () throws(ClientError) in
                try await self.piece(at: offset, upTo: end, touched)
            }
            if case .span(let span) = piece { rebuilding?.next = (span, offset) }
            return .success(piece)
        } catch {
            // What is gone now will not come back; the successor's number means something else.
            let isGone = error.isRefusal(.fileNotFound)
            return .failure(isGone ? ClientError(.expired, "rebuilding of \(lowerID)") : error)
        }
    }

    /// What comes next in the successor.
    private func piece(at offset: UInt64, upTo end: UInt64, _ touched: OffsetSet) async throws(ClientError) -> Piece {
        if let run = try await run(at: offset, upTo: end, touched) { return .reference(run) }
        // As it is read, and once more as it is coded. Only what is being stored is waited for, which waits for
        // nothing.
        let wanted = 2 * Int(min(end - offset, UInt64(policies.largestSpanBytes)))
        await core.rebuildings.take(wanted)
        do throws(ClientError) {
            let span = try await span(at: offset, upTo: end, touched)
            core.rebuildings.add(span.heldBytes)
            core.rebuildings.remove(wanted)
            return .span(span)
        } catch {
            core.rebuildings.remove(wanted)
            throw error
        }
    }

    /// The untouched spans from `offset` on that can be referred to. The last one is cut only where the file is: others
    /// keep their boundaries.
    private func run(
        at offset: UInt64, upTo end: UInt64, _ touched: OffsetSet
    ) async throws(ClientError) -> Range<UInt64>? {
        guard rebuilding?.refers == true, lowerID.shard == handle.id.shard else { return nil }
        var limit = min(end, max(offset, touched.next(after: offset)?.lowerBound ?? end))
        if Mutation.patchedSpansAreCopied.isPlanted { limit = end }
        guard offset < limit else { return nil }
        // What it has itself was stored by these policies.
        let run = try await client.referable(
            offset..<limit, of: lowerID, for: policies, mayCut: limit == end, isFitting: base == nil)
        return run?.lowerBound == offset ? run : nil
    }

    /// What comes next, stored once more: a span as it is, or zeros, or bytes that are coded anew.
    private func span(
        at offset: UInt64, upTo end: UInt64, _ touched: OffsetSet
    ) async throws(ClientError) -> EncodedSpan {
        let present = try await client.storedSpan(of: lowerID, at: offset)
        let presentEnd = present.header.byteOffset + UInt64(present.header.size)
        let range = offset..<min(presentEnd, end)
        if present.header.byteOffset == offset, presentEnd <= end,
            !touched.intersects(range) || Mutation.patchedSpansAreCopied.isPlanted,
            let copied = try await copied(present)
        {
            return copied
        }
        let zeros = zeroEnd(from: offset, present, range.upperBound, upTo: end)
        let largest = UInt64(policies.largestSpanBytes)
        if zeros >= range.upperBound || zeros - offset >= largest {
            return SpanEncoder.inline([], UInt32(min(zeros - offset, ClientLimits.holeBytes)))
        }
        let part = offset..<min(range.upperBound, offset + largest)
        let buffer = try client.spanBuffer(part.count, policies)
        try await readPatched(part, to: buffer.base)
        return try await client.encoded(buffer, part.count, policies)
    }

    /// The span as it is; nil when today's spans are smaller.
    private func copied(_ span: FetchedSpan) async throws(ClientError) -> EncodedSpan? {
        let encoded: EncodedSpan
        if case .inline(let inline) = span.body {
            encoded = SpanEncoder.inline(inline.body, span.header.size)
        } else {
            guard Int(span.header.size) <= policies.largestSpanBytes else { return nil }
            encoded = try await client.encoded(span, from: lowerReader, policies)
        }
        guard encoded.crc == span.header.crc else {
            throw ClientError(.corruptPage, "rebuilding of \(lowerID)", "a span does not match its checksum")
        }
        return encoded
    }

    /// Where zeros end that are known to be there without reading, in whole pages but at the end.
    private func zeroEnd(
        from offset: UInt64, _ present: FetchedSpan, _ presentEnd: UInt64, upTo limit: UInt64
    ) -> UInt64 {
        var end = offset
        if let zeros = patches.map.zeros.next(after: offset), zeros.contains(offset) { end = zeros.upperBound }
        if end < presentEnd, case .inline(let inline) = present.body, inline.body.allSatisfy({ $0 == 0 }) {
            end = min(presentEnd, max(offset, patches.map.data.next(after: offset)?.lowerBound ?? presentEnd))
        }
        return end < limit ? end / UInt64(ClientLimits.pageBytes) * UInt64(ClientLimits.pageBytes) : limit
    }
}

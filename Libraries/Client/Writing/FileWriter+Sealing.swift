import EventLoop
import Protocol

extension FileWriter {
    var hasRoom: Bool { sealed.count < Self.sealedLimit && core.uploads.hasRoom }

    func waitForRoom() async {
        if let shortage = patchShortage {
            patchShortage = nil
            if let error = await core.patchMemory.makeRoom(for: shortage, having: patches.blockCount) { fail(error) }
            return
        }
        // What is waited for at last must not have happened meanwhile.
        var mayHaveChanged = false
        while failure == nil, sealed.count >= Self.sealedLimit {
            await nextProgress()
            mayHaveChanged = true
        }
        while failure == nil, !core.uploads.hasRoom {
            await withUnsafeContinuation { continuation in core.uploads.wait { continuation.resume() } }
            mayHaveChanged = true
        }
        if failure == nil, isShortOfMemory, !mayHaveChanged { await core.openFiles.nextChange() }
        isShortOfMemory = false
    }

    /// Seals the open span, and the gap behind it, up to the page of `position`. What is beyond stays open.
    func seal(before position: UInt64) {
        let page = UInt64(ClientLimits.pageBytes)
        sealOpen(upTo: position / page * page)
    }

    /// Seals all there is; no more is to come.
    func sealRest() {
        sealOpen(upTo: size)
    }

    private func sealOpen(upTo end: UInt64) {
        guard end > sealedBytes else { return }
        var rest: SpanBuffer?
        if var open = buffer, open.filled > 0 {
            let logical = min(end - sealedBytes, UInt64(policies.largestSpanBytes))
            if open.filled > Int(logical) {
                // Less than a page, unless a writer seals behind itself for want of memory.
                guard let kept = kept(of: open, from: Int(logical)) else { return }
                rest = kept
                open.cut(to: Int(logical))
            }
            push(open, logicalBytes: logical)
        }
        if sealedBytes < end {
            sealed.append(SealedSpan(byteOffset: sealedBytes, logicalBytes: end - sealedBytes, content: .hole))
            sealedBytes = end
        }
        buffer = rest
        startStoring()
    }

    /// What lies from `offset` on, in memory of its own.
    private func kept(of open: SpanBuffer, from offset: Int) -> SpanBuffer? {
        guard let memory = core.pool.take(open.filled - offset) else {
            fail(ClientError(.noMemory, "sealing of a span"))
            return nil
        }
        var kept = SpanBuffer(memory: memory, capacity: open.capacity)
        kept.write(open.bytes(from: offset), at: 0)
        return kept
    }

    private func push(_ buffer: SpanBuffer, logicalBytes: UInt64) {
        let span = SealedSpan(
            byteOffset: sealedBytes, logicalBytes: logicalBytes,
            content: .data(buffer, encoding(buffer, logicalBytes)))
        core.uploads.add(span.heldBytes)
        sealed.append(span)
        sealedBytes += logicalBytes
    }

    func encoding(_ buffer: SpanBuffer, _ logicalBytes: UInt64) -> SpanEncoding {
        let policies = policies
        let logicalBytes = UInt32(clamping: logicalBytes)
        let pool = core.pool
        @Sendable func encode() -> EncodedSpan? {
            SpanEncoder.encode(
                buffer.memory, filled: buffer.filled, logicalBytes: logicalBytes, policies: policies, pool: pool)
        }
        return buffer.filled <= Self.smallBytes ? SpanEncoding(encode()) : SpanEncoding(on: client.loop, encode)
    }
}

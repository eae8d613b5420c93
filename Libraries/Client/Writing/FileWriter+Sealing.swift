import EventLoop
import Protocol

extension FileWriter {
    var hasRoom: Bool { sealed.count < Self.sealedLimit && core.uploads.hasRoom }

    func waitForRoom() async {
        while failure == nil, sealed.count >= Self.sealedLimit { await nextProgress() }
        while failure == nil, !core.uploads.hasRoom {
            await withUnsafeContinuation { continuation in core.uploads.wait { continuation.resume() } }
        }
    }

    /// Seals the open span, which ends before `position`, and the gap up to the page of `position`.
    func seal(before position: UInt64) {
        let page = UInt64(ClientLimits.pageBytes)
        sealOpen(upTo: position / page * page)
    }

    /// Seals all there is; no more is to come.
    func sealRest() {
        sealOpen(upTo: size)
    }

    private func sealOpen(upTo end: UInt64) {
        if let buffer, buffer.filled > 0 {
            push(buffer, logicalBytes: min(end - sealedBytes, UInt64(policies.largestSpanBytes)))
        }
        while sealedBytes < end {
            let logical = min(end - sealedBytes, ClientLimits.holeBytes)
            sealed.append(SealedSpan(byteOffset: sealedBytes, logicalBytes: UInt32(clamping: logical), content: .hole))
            sealedBytes += logical
        }
        buffer = nil
        startStoring()
    }

    private func push(_ buffer: SpanBuffer, logicalBytes: UInt64) {
        let logical = UInt32(clamping: logicalBytes)
        let span = SealedSpan(
            byteOffset: sealedBytes, logicalBytes: logical, content: .data(buffer, encoding(buffer, logical)))
        core.uploads.add(span.heldBytes)
        sealed.append(span)
        sealedBytes += logicalBytes
    }

    private func encoding(_ buffer: SpanBuffer, _ logicalBytes: UInt32) -> SpanEncoding {
        let policies = policies
        let pool = core.pool
        @Sendable func encode() -> EncodedSpan? {
            SpanEncoder.encode(
                buffer.memory, filled: buffer.filled, logicalBytes: logicalBytes, policies: policies, pool: pool)
        }
        return buffer.filled <= Self.smallBytes ? SpanEncoding(encode()) : SpanEncoding(on: client.loop, encode)
    }
}

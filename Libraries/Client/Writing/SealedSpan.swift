import EventLoop
import Protocol

/// A part of a file that is complete and waits to be stored, or is being stored.
struct SealedSpan: Sendable {
    enum Content: Sendable {
        /// Its cells and checksums, ready or being computed on a worker.
        case data(SpanBuffer, SpanEncoding)
        /// Zeros, however many: cut into spans one after the other while they are stored.
        case hole
    }

    /// A multiple of 4096.
    let byteOffset: UInt64
    let logicalBytes: UInt64
    let content: Content

    var endOffset: UInt64 { byteOffset + logicalBytes }

    /// What one request can store of it: all, but of large holes.
    var first: SealedSpan {
        guard case .hole = content, logicalBytes > ClientLimits.holeBytes else { return self }
        return SealedSpan(byteOffset: byteOffset, logicalBytes: ClientLimits.holeBytes, content: .hole)
    }

    /// What is left once `first` is stored.
    var rest: SealedSpan? {
        let first = first
        guard first.endOffset < endOffset else { return nil }
        return SealedSpan(
            byteOffset: first.endOffset, logicalBytes: endOffset - first.endOffset, content: content)
    }

    /// What is to be stored in blocks, if it is known without waiting.
    var encoded: EncodedSpan? {
        guard case .data(_, let encoding) = content else { return nil }
        return encoding.finished
    }

    /// What is to be stored; nil when coding failed.
    nonisolated(nonsending) func encodedValue() async -> EncodedSpan? {
        switch content {
        case .hole: SpanEncoder.inline([], UInt32(clamping: logicalBytes))
        case .data(_, let encoding): await encoding.value()
        }
    }

    /// Memory held, to the budget; parity included.
    var heldBytes: Int {
        guard case .data(let buffer, _) = content else { return 0 }
        return buffer.memory.count + buffer.filled / 2
    }
}

import EventLoop
import Protocol

/// A part of a file that is complete and waits to be stored, or is being stored.
struct SealedSpan: Sendable {
    enum Content: Sendable {
        /// Its cells and checksums, ready or being computed on a worker.
        case data(SpanBuffer, SpanEncoding)
        /// Zeros.
        case hole
    }

    /// A multiple of 4096.
    let byteOffset: UInt64
    let logicalBytes: UInt32
    let content: Content

    var endOffset: UInt64 { byteOffset + UInt64(logicalBytes) }

    /// What is to be stored, if it is known without waiting.
    var encoded: EncodedSpan? {
        switch content {
        case .hole: SpanEncoder.inline([], logicalBytes)
        case .data(_, let encoding): encoding.finished
        }
    }

    /// What is to be stored; nil when coding failed.
    nonisolated(nonsending) func encodedValue() async -> EncodedSpan? {
        switch content {
        case .hole: SpanEncoder.inline([], logicalBytes)
        case .data(_, let encoding): await encoding.value()
        }
    }

    /// Memory held, to the budget; parity included.
    var heldBytes: Int {
        guard case .data(let buffer, _) = content else { return 0 }
        return buffer.filled + buffer.filled / 2
    }
}

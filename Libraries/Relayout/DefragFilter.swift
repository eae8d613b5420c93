import Client
import Protocol

/// Which spans defragmentation looks at. Pure.
public struct DefragFilter: Hashable, Sendable {
    /// Spans of fewer bytes are let be.
    public var minimumSpanBytes: UInt32
    /// Only spans that are in this class now; nil: in any.
    public var storageClass: StorageClass?

    public init(minimumSpanBytes: UInt32 = 0, storageClass: StorageClass? = nil) {
        self.minimumSpanBytes = minimumSpanBytes
        self.storageClass = storageClass
    }

    /// The present layout of a span that is to be stored anew; nil when it is to be let be. The span's description
    /// must make sense.
    ///
    /// A span that ends in zeros is compared as if it did not, for that is known only when it is read: the reading
    /// finds out then, and leaves it.
    public func misfit(_ span: FetchedSpan, _ policies: WritePolicies) -> SpanLayout? {
        guard case .blocks(let blocks) = span.body, span.header.size >= minimumSpanBytes,
            storageClass == nil || storageClass == span.header.storageClass,
            let present = SpanLayout(
                parity: blocks.parity, stripes: blocks.stripes, cellBytes: blocks.cellSize,
                storageClass: span.header.storageClass),
            let wanted = policies.layout(dataBytes: min(Int(span.header.size), present.paddedBytes)),
            wanted != present
        else { return nil }
        return present
    }
}

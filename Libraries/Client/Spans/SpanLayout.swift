import Protocol

/// How the bytes of one span are cut into stripes, cells and blocks (wire-protocol.md 12).
///
/// Stripe-major: cell (s, d) holds the file bytes from `(s·D + d)·cellBytes` of the span, so that data in file order
/// *is* the sequence of the data cells, and block d the concatenation of its cells.
public struct SpanLayout: Hashable, Sendable {
    public let parity: Parity
    /// S, 1…15.
    public let stripes: Int
    /// A multiple of 4096.
    public let cellBytes: Int
    public let storageClass: StorageClass

    /// D.
    public var dataBlocks: Int { Int(parity.data) }
    /// D + P.
    public var blocks: Int { Int(parity.blocks) }
    public var blockBytes: Int { stripes * cellBytes }
    /// Data bytes of one stripe.
    public var stripeBytes: Int { dataBlocks * cellBytes }
    /// All data cells together; what a span's data is padded to with zeros.
    public var paddedBytes: Int { stripes * stripeBytes }

    /// For a layout that was read from a shard: nil if it is impossible.
    public init?(parity: Parity, stripes: UInt8, cellBytes: UInt32, storageClass: StorageClass) {
        guard parity.data > 0, stripes > 0, stripes <= ClientLimits.stripes, cellBytes > 0, cellBytes % 4096 == 0,
            Int(cellBytes) * Int(stripes) <= ClientLimits.blockBytes
        else { return nil }
        self.parity = parity
        self.stripes = Int(stripes)
        self.cellBytes = Int(cellBytes)
        self.storageClass = storageClass
    }

    /// Where in the span's data cell (stripe, block) begins.
    package func dataOffset(stripe: Int, block: Int) -> Int {
        (stripe * dataBlocks + block) * cellBytes
    }
}

/// Numbers of wire-protocol.md 20 that clients need.
public enum ClientLimits {
    package static let pageBytes = 4096
    package static let stripes = 15
    package static let blockBytes = 100 << 20
    package static let spanBytes = 100 << 20
    package static let inlineBytes = 255
    /// Longest file that a writer makes. A hole of that size takes 4,096 spans.
    package static let fileBytes: UInt64 = 16 << 40
    package static let nameBytes = 255
    /// Files that are being written are renewed after a third of their shard's deadline, and a request that gets no
    /// answer is repeated up to two seconds later: with less than this, one lost datagram could cost a file.
    public static let leastTransientNanoseconds: UInt64 = 10_000_000_000
    /// Largest logical size of an inline span that keeps the next one on a page boundary.
    package static let holeBytes = UInt64(UInt32.max) / 4096 * 4096
}

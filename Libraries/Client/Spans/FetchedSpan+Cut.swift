import Erasure
import Protocol

extension FetchedSpan {
    /// Whether the file shows only the beginning of what is stored: a span that other files show more of. Its checksum
    /// is not that of its stripes then. It can be read like any, and its blocks can move, but it cannot change places
    /// with a span that holds just as much.
    public var isCut: Bool {
        guard case .blocks(let blocks) = body else { return false }
        let stripe = UInt64(blocks.cellSize) * UInt64(blocks.parity.data)
        let stored = Int64(clamping: stripe) * Int64(blocks.stripes)
        guard Int64(header.size) < stored else { return false }
        let whole = blocks.stripesCrc.reduce(CRC32C.zero) { $0.appending($1, length: stripe) }
        return whole.zeroExtended(by: Int64(header.size) - stored) != header.crc
    }
}

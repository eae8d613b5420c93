/// The CRC register's way over a fixed number of zero bytes, as four tables: joining the checksums of many equally long
/// pieces costs four look-ups each instead of a polynomial multiplication.
public struct CastagnoliShift: Sendable {
    /// The length of the pieces in bytes.
    public let length: UInt64
    private let table: [UInt32]

    /// Pages of 4096 bytes, the unit in which blocks are stored.
    public static let page = CastagnoliShift(length: 4096)

    /// Prepares joining pieces of `length` bytes. Costs 32 multiplications.
    public init(length: UInt64) {
        self.length = length
        var table = [UInt32](repeating: 0, count: 4 * 256)
        for bit in 0..<32 {
            let image = CastagnoliPolynomial.advance(UInt32(1) << UInt32(bit), byZeroBytes: length)
            let base = (bit / 8) * 256
            let low = 1 << (bit % 8)
            // The shift is linear: the image of a byte is the xor of the images of its bits.
            for value in 0..<low { table[base + low + value] = table[base + value] ^ image }
        }
        self.table = table
    }

    /// The checksum of A followed by a piece of `length` bytes with checksum `piece`.
    @inline(__always)
    public func append(_ first: UInt32, _ piece: UInt32) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            table[Int(first & 255)] ^ table[256 + Int((first >> 8) & 255)]
                ^ table[512 + Int((first >> 16) & 255)] ^ table[768 + Int(first >> 24)] ^ piece
        }
    }
}

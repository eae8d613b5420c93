import Wire

/// How many data and parity blocks a span has: low nibble data, high nibble parity (wire-protocol.md 8).
@frozen
public struct Parity: RawWireValue, Hashable, CustomStringConvertible {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Only the lowest four bits of each number count.
    @inlinable
    public init(data: Int, parity: Int) {
        rawValue = UInt8(truncatingIfNeeded: data & 15 | (parity & 15) << 4)
    }

    /// Data blocks, 0...15.
    @inlinable public var data: Int { Int(rawValue & 15) }
    /// Parity blocks, 0...15; with one data block the number of further copies.
    @inlinable public var parity: Int { Int(rawValue >> 4) }
    /// All blocks, 0...30.
    @inlinable public var blocks: Int { data + parity }
    /// Whether every block is a copy of the data.
    @inlinable public var isMirroring: Bool { data == 1 }
    /// At least one data block, and parity as soon as there are more.
    @inlinable public var isValid: Bool { data == 1 || (data > 1 && parity > 0) }

    public var description: String { "\(data)+\(parity)" }
}

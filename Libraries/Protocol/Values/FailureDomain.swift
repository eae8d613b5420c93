import Wire

/// What fails together (a machine, a rack): sixteen bytes of text, padded with zeros.
@frozen
public struct FailureDomain: FixedWireValue, Hashable, CustomStringConvertible {
    /// Bytes 0 ..< 8 as a little-endian integer.
    public var low: UInt64
    /// Bytes 8 ..< 16 as a little-endian integer.
    public var high: UInt64

    @inlinable
    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// No failure domain: all zero.
    public static let none = FailureDomain(low: 0, high: 0)

    /// The failure domain with this name. Only its first sixteen UTF-8 bytes count.
    public init(name: String) {
        low = 0
        high = 0
        for (index, byte) in name.utf8.prefix(16).enumerated() {
            if index < 8 {
                low |= UInt64(byte) << (8 * index)
            } else {
                high |= UInt64(byte) << (8 * (index - 8))
            }
        }
    }

    @inlinable public static var wireSize: Int { 16 }

    @inlinable
    public init(loading bytes: UnsafeRawPointer) {
        low = UInt64(loading: bytes)
        high = UInt64(loading: bytes + 8)
    }

    @inlinable
    public func store(to bytes: UnsafeMutableRawPointer) {
        low.store(to: bytes)
        high.store(to: bytes + 8)
    }

    /// The name without the padding; invalid UTF-8 is repaired.
    public var description: String {
        var bytes: [UInt8] = []
        for word in [low, high] {
            for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * index))) }
        }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

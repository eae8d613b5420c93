import Wire

/// Sixteen secret bytes: an AES-128 key. Not shown in descriptions, so that it does not get into a log.
@frozen
public struct SecretKey: FixedWireValue, Hashable, CustomStringConvertible {
    /// Bytes 0 ..< 8 as a little-endian integer.
    public var low: UInt64
    /// Bytes 8 ..< 16 as a little-endian integer.
    public var high: UInt64

    @inlinable
    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
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

    /// The key of 32 hexadecimal digits; nil for anything else.
    public init?(hexadecimal text: String) {
        guard text.utf8.count == 32, text.utf8.allSatisfy({ $0.hexadecimalDigit != nil }) else { return nil }
        let bytes = Array(text.utf8).hexadecimalPairs
        self = bytes.withUnsafeBytes { raw in
            SecretKey(
                low: raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self).littleEndian,
                high: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self).littleEndian)
        }
    }

    public var description: String { "SecretKey(…)" }
}

extension UInt8 {
    /// The value of an ASCII hexadecimal digit.
    fileprivate var hexadecimalDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self &- UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self &- UInt8(ascii: "a") &+ 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self &- UInt8(ascii: "A") &+ 10
        default: nil
        }
    }
}

extension [UInt8] {
    /// The bytes that pairs of ASCII hexadecimal digits stand for.
    fileprivate var hexadecimalPairs: [UInt8] {
        stride(from: 0, to: count &- 1, by: 2).map { index in
            (self[index].hexadecimalDigit ?? 0) << 4 | (self[index + 1].hexadecimalDigit ?? 0)
        }
    }
}

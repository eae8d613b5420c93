import Wire

/// An IPv4 address. Travels in dotted order: 10.1.2.3 is `0a 01 02 03`.
@frozen
public struct IPv4Address: FixedWireValue, Hashable, LosslessStringConvertible {
    /// The address as a number: 10.1.2.3 is 0x0a010203.
    public var rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let any = IPv4Address(rawValue: 0)
    public static let loopback = IPv4Address(rawValue: 0x7f00_0001)

    /// Four decimal numbers 0...255 with dots between them; nil for anything else.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ (0x30...0x39).contains($0) }),
                let byte = UInt8(String(decoding: part, as: UTF8.self))
            else { return nil }
            value = value << 8 | UInt32(byte)
        }
        rawValue = value
    }

    @inlinable public static var wireSize: Int { 4 }

    @inlinable
    public init(loading bytes: UnsafeRawPointer) {
        rawValue = UInt32(loading: bytes).byteSwapped
    }

    @inlinable
    public func store(to bytes: UnsafeMutableRawPointer) {
        rawValue.byteSwapped.store(to: bytes)
    }

    public var description: String {
        "\(rawValue >> 24).\(rawValue >> 16 & 0xff).\(rawValue >> 8 & 0xff).\(rawValue & 0xff)"
    }
}

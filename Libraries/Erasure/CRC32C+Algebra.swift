@_exported import struct Wire.CRC32C

extension CRC32C {
    /// The checksum of `bytes`.
    public init(of bytes: UnsafeRawBufferPointer) { self.init(rawValue: Castagnoli.sum(bytes)) }

    /// The checksum of `bytes`.
    public init(of bytes: [UInt8]) { self = bytes.withUnsafeBytes { CRC32C(of: $0) } }

    /// The checksum of what this one covers followed by `bytes`.
    public func continued(over bytes: UnsafeRawBufferPointer) -> CRC32C {
        CRC32C(rawValue: Castagnoli.sum(bytes, initial: rawValue))
    }

    /// The checksum of what this one covers followed by `length` bytes with the checksum `next`.
    public func appending(_ next: CRC32C, length: UInt64) -> CRC32C {
        CRC32C(rawValue: Castagnoli.append(rawValue, next.rawValue, secondLength: length))
    }

    /// The checksum of what comes before the last `length` bytes, which have the checksum `suffix`.
    public func without(suffix: CRC32C, length: UInt64) -> CRC32C {
        CRC32C(rawValue: Castagnoli.removeEnd(rawValue, suffix.rawValue, secondLength: length))
    }

    /// The checksum of the last `restLength` bytes, if what comes before has the checksum `prefix`.
    public func without(prefix: CRC32C, restLength: UInt64) -> CRC32C {
        CRC32C(rawValue: rawValue ^ prefix.appending(.zero, length: restLength).rawValue)
    }

    /// The checksum of the xor of two runs of `length` bytes.
    public func xor(_ other: CRC32C, length: UInt64) -> CRC32C {
        CRC32C(rawValue: Castagnoli.xor(rawValue, other.rawValue, length: length))
    }

    /// The checksum after `count` zero bytes were appended; a negative count takes as many trailing zero bytes off.
    public func zeroExtended(by count: Int64) -> CRC32C {
        CRC32C(rawValue: Castagnoli.zeroExtend(rawValue, by: count))
    }

    /// The checksum of `length` zero bytes.
    public static func ofZeros(_ length: UInt64) -> CRC32C { CRC32C(rawValue: Castagnoli.ofZeros(length)) }
}

import CISAL

/// CRC32C on plain integers (wire-protocol section 13). `CRC32C` in `CRC32C+Algebra.swift` is the typed face of it.
public enum Castagnoli {
    /// The checksum of what `initial` covers followed by `bytes`; `initial` 0 is the checksum of nothing.
    public static func sum(_ bytes: UnsafeRawBufferPointer, initial: UInt32 = 0) -> UInt32 {
        guard let base = bytes.baseAddress else { return initial }
        return sum(base, bytes.count, initial: initial)
    }

    /// As above for `count` bytes from `base`.
    public static func sum(_ base: UnsafeRawPointer, _ count: Int, initial: UInt32 = 0) -> UInt32 {
        precondition(count >= 0)
        var register = ~initial
        var next = base
        var remaining = count
        while remaining > 0 {
            // ISA-L takes an int; the pointer is declared mutable but only read.
            let portion = min(remaining, 1 << 30)
            let pointer = UnsafeMutableRawPointer(mutating: next).assumingMemoryBound(to: UInt8.self)
            register = crc32_iscsi(pointer, Int32(truncatingIfNeeded: portion), register)
            next += portion
            remaining -= portion
        }
        return ~register
    }

    /// The checksum of A followed by B, from those of A and B and the length of B in bytes.
    public static func append(_ first: UInt32, _ second: UInt32, secondLength: UInt64) -> UInt32 {
        CastagnoliPolynomial.advance(first, byZeroBytes: secondLength) ^ second
    }

    /// The checksum of A, from those of A followed by B and of B, and the length of B in bytes.
    public static func removeEnd(_ both: UInt32, _ second: UInt32, secondLength: UInt64) -> UInt32 {
        CastagnoliPolynomial.retreat(both ^ second, byZeroBytes: secondLength)
    }

    /// The checksum of A xor B, both of `length` bytes, from those of A and B.
    public static func xor(_ first: UInt32, _ second: UInt32, length: UInt64) -> UInt32 {
        first ^ second ^ ofZeros(length)
    }

    /// The checksum after `count` zero bytes were appended; a negative count takes as many trailing zero bytes off.
    public static func zeroExtend(_ checksum: UInt32, by count: Int64) -> UInt32 {
        count >= 0
            ? ~CastagnoliPolynomial.advance(~checksum, byZeroBytes: count.magnitude)
            : ~CastagnoliPolynomial.retreat(~checksum, byZeroBytes: count.magnitude)
    }

    /// The checksum of `count` zero bytes.
    public static func ofZeros(_ count: UInt64) -> UInt32 {
        ~CastagnoliPolynomial.advance(~0, byZeroBytes: count)
    }
}

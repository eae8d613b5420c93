/// Arithmetic on polynomials over GF(2) modulo the Castagnoli polynomial, in the bit-reflected form CRC32C uses:
/// bit 31 is the coefficient of x^0. A CRC register that runs over n zero bytes is multiplied by x^(8n).
enum CastagnoliPolynomial {
    /// The polynomial without its x^32 term, reflected.
    static let reflected: UInt32 = 0x82F6_3B78
    /// The polynomial 1.
    static let one: UInt32 = 0x8000_0000

    /// `value · x`.
    @inline(__always)
    static func timesX(_ value: UInt32) -> UInt32 {
        (value >> 1) ^ (reflected & (0 &- (value & 1)))
    }

    /// `value · x^(-1)`; the polynomial has a constant term, so x can be divided by.
    @inline(__always)
    static func dividedByX(_ value: UInt32) -> UInt32 {
        let carry = value >> 31
        return ((value ^ (reflected & (0 &- carry))) << 1) | carry
    }

    /// `left · right`, without branches on the data.
    @inline(__always)
    static func product(_ left: UInt32, _ right: UInt32) -> UInt32 {
        var result: UInt32 = 0
        var shifted = right
        var bits = left
        for _ in 0..<32 {
            result ^= shifted & (0 &- (bits >> 31))
            bits <<= 1
            shifted = timesX(shifted)
        }
        return result
    }

    /// `value · x^(8·count)`: one multiplication per non-zero nibble of `count`.
    @inline(__always)
    static func advance(_ value: UInt32, byZeroBytes count: UInt64) -> UInt32 {
        multiply(value, byPower: count, of: forwardPowers)
    }

    /// `value · x^(-8·count)`, the inverse of `advance`.
    @inline(__always)
    static func retreat(_ value: UInt32, byZeroBytes count: UInt64) -> UInt32 {
        multiply(value, byPower: count, of: backwardPowers)
    }

    private static func multiply(_ value: UInt32, byPower exponent: UInt64, of powers: [UInt32]) -> UInt32 {
        var result = value
        var remaining = exponent
        var row = 0
        while remaining != 0 {
            let digit = Int(remaining & 15)
            if digit != 0 { result = product(result, powers[row + digit]) }
            remaining >>= 4
            row += 16
        }
        return result
    }

    /// Entry 16·k + d is the base to the power d·16^k, for the 16 nibbles of an exponent.
    private static func powerTable(base: UInt32) -> [UInt32] {
        var table = [UInt32](repeating: one, count: 256)
        var step = base
        for row in stride(from: 0, to: 256, by: 16) {
            for digit in 1..<16 { table[row + digit] = product(table[row + digit - 1], step) }
            step = product(table[row + 15], step)
        }
        return table
    }

    private static let forwardPowers = powerTable(base: (0..<8).reduce(one) { power, _ in timesX(power) })
    private static let backwardPowers = powerTable(base: (0..<8).reduce(one) { power, _ in dividedByX(power) })
}

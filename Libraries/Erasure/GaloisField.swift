/// GF(2^8) with the reduction polynomial x^8 + x^4 + x^3 + x + 1 (0x11B), the field of wire-protocol section 14.
package enum GaloisField {
    /// The product of two elements.
    package static func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var result: UInt8 = 0
        var shifted = left
        for bit in 0..<8 {
            if right & (1 << UInt8(bit)) != 0 { result ^= shifted }
            shifted = (shifted << 1) ^ (shifted & 0x80 != 0 ? 0x1B : 0)
        }
        return result
    }

    /// The element whose product with `element` is 1; `element` is not 0.
    package static func inverse(_ element: UInt8) -> UInt8 {
        precondition(element != 0)
        // element^254: the multiplicative group has 255 elements.
        var result: UInt8 = 1
        var square = element
        for _ in 1..<8 {
            square = product(square, square)
            result = product(result, square)
        }
        return result
    }

    /// Bytes of the tables of one coefficient.
    static let tableSize = 32

    /// Writes the 32-byte table of a coefficient: its products with 0…15, then with 0x00, 0x10 … 0xF0.
    static func fillTable(_ table: UnsafeMutablePointer<UInt8>, coefficient: UInt8) {
        for nibble in 0..<16 {
            table[nibble] = product(coefficient, UInt8(nibble))
            table[16 + nibble] = product(coefficient, UInt8(nibble << 4))
        }
    }
}

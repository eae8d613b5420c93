import CCrypto
import Protocol

/// Where a block lies below `with_crc` (spec services B.2). Both parts are hexadecimal digits.
package struct BlockPath: Hashable {
    /// One of 256 directories: the first byte of the SHA-1 of the name, so that blocks of one time spread.
    package let directory: String
    /// The block's number as 16 digits.
    package let name: String

    /// Length of every name.
    static let nameLength = 16

    package init(_ block: BlockID) {
        let name = Self.hexadecimal(block.rawValue, digits: Self.nameLength)
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        let done = name.withUnsafeBytes { EVP_Digest($0.baseAddress, $0.count, &digest, &length, EVP_sha1(), nil) }
        precondition(done == 1 && length == 20, "libcrypto computes SHA-1 of 16 bytes")
        directory = String(decoding: Self.hexadecimal(UInt64(digest[0]), digits: 2), as: UTF8.self)
        self.name = String(decoding: name, as: UTF8.self)
    }

    private static func hexadecimal(_ value: UInt64, digits: Int) -> [UInt8] {
        (0..<digits).map { index in
            let nibble = UInt8(truncatingIfNeeded: value >> UInt64(4 * (digits - 1 - index))) & 15
            return nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
        }
    }

    /// Whether a file of this name is a block (and not a temporary file or a stranger).
    static func isBlockName(_ name: UnsafeRawBufferPointer) -> Bool {
        name.count == nameLength
            && name.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}

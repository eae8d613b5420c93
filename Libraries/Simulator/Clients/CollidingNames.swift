/// Names of one hash, which anybody can make: where XXH3 multiplies halves of a name with each other, one half that is
/// the same as the hash's public secret makes the other one meaningless.
package enum CollidingNames {
    /// The first bytes of XXH3's default secret, 0...7 and 16...23.
    private static let secret: [[UInt8]] = [
        [0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe], [0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb],
    ]

    /// 32 bytes, and the same hash whatever the number.
    package static func name(_ number: Int) -> [UInt8] {
        let digits = Array(String(number, radix: 16).utf8)
        let free = [UInt8](repeating: UInt8(ascii: "0"), count: max(0, 8 - digits.count)) + digits.suffix(8)
        return secret[0] + free + secret[1] + Array("collides".utf8)
    }
}

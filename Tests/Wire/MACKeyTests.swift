import Testing
import Wire

@Suite(.timeLimit(.minutes(1)))
struct MACKeyTests {
    /// 2b7e1516 28aed2a6 abf71588 09cf4f3c, the key of FIPS 197's examples.
    private let key = MACKey(low: 0xa6d2_ae28_1615_7e2b, high: 0x3c4f_cf09_8815_f7ab)

    private func mac(_ bytes: [UInt8]) -> MAC { bytes.withUnsafeBytes { key.mac(of: $0) } }

    @Test func oneBlockIsPlainAES() throws {
        // SP 800-38A F.1.1: 6bc1bee22e409f96e93d7e117393172a encrypts to 3ad77bb40d7a3660a89ecaf32466ef97.
        let block: [UInt8] = [
            0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a,
        ]
        #expect(try mac(block).encoded() == [0x3a, 0xd7, 0x7b, 0xb4, 0x0d, 0x7a, 0x36, 0x60])
    }

    @Test func nothingIsRemembered() {
        let messages: [[UInt8]] = (0..<100).map { length in (0..<UInt8(length)).map { $0 &* 7 } }
        let first = messages.map(mac)
        #expect(messages.reversed().map(mac).reversed() == first)
        #expect(first[0] == MAC(rawValue: 0))
    }

    @Test func zeroPaddingIsImplied() {
        #expect(mac([1, 2, 3]) == mac([1, 2, 3] + [UInt8](repeating: 0, count: 13)))
        #expect(mac([1, 2, 3]) != mac([1, 2, 3] + [UInt8](repeating: 0, count: 14)))
    }

    @Test func longMessagesGoThroughInPieces() {
        let long = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let whole = mac(long)
        var damaged = long
        damaged[9_216] ^= 1
        #expect(mac(long) == whole)
        #expect(mac(damaged) != whole)
    }
}

import Testing
import Wire

@Suite struct KeyedHashTests {
    private func code(_ message: String, key: [UInt8]) -> String {
        KeyedHash.code(of: Array(message.utf8), key: key).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    /// RFC 4231, cases 1 and 2.
    @Test func publishedVectors() {
        #expect(
            code("Hi There", key: [UInt8](repeating: 0x0b, count: 20))
                == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        #expect(
            code("what do ya want for nothing?", key: Array("Jefe".utf8))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test func manyMessagesWithOneKey() {
        let key = [UInt8](repeating: 0x0b, count: 32)
        let hasher = KeyedHasher(key: key)
        for round in 0..<20 {
            let message = [UInt8](repeating: UInt8(round), count: round * 37)
            let number = withUnsafeBytes(of: UInt64(round).littleEndian) { [UInt8]($0) }
            let code = message.withUnsafeBytes { hasher.code(of: UInt64(round), $0) }
            #expect(withUnsafeBytes(of: code) { [UInt8]($0) } == KeyedHash.code(of: number + message, key: key))
        }
    }
}

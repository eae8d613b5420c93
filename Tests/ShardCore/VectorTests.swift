import Protocol
import Testing

/// A suite that holds values against their bytes, in hexadecimal digits.
protocol VectorTests {}

extension VectorTests {
    func expect<Value: WireValue & Equatable>(_ value: Value, _ hex: String) throws {
        let bytes = try value.encoded()
        #expect(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == hex)
        #expect(bytes.count == value.encodedSize)
        #expect(try bytes.withUnsafeBytes { try Value(decoding: $0) } == value)
        for count in 0..<bytes.count {
            #expect(throws: DecodeError.self) { try bytes[..<count].withUnsafeBytes { try Value(decoding: $0) } }
        }
        #expect(throws: DecodeError.self) { try (bytes + [0]).withUnsafeBytes { try Value(decoding: $0) } }
    }

    func read<Value: WireValue>(_ hex: String, as type: Value.Type = Value.self) throws -> Value {
        let digits = Array(hex)
        let bytes = try stride(from: 0, to: digits.count, by: 2).map {
            try #require(UInt8(String(digits[$0..<$0 + 2]), radix: 16))
        }
        return try bytes.withUnsafeBytes { try Value(decoding: $0) }
    }
}

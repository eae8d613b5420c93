import Foundation
import Testing

/// Reads the conformance vectors that concern this library.
enum Vectors {
    static func load<Line: Decodable>(_ file: String, as type: Line.Type) throws -> [Line] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: folder.appending(path: "Conformance/vectors/\(file)"))
        let decoder = JSONDecoder()
        return try data.split(separator: UInt8(ascii: "\n")).map { try decoder.decode(Line.self, from: $0) }
    }
}

/// Bytes written in the vectors as hexadecimal digits.
struct HexBytes: Decodable {
    let bytes: [UInt8]

    init(from decoder: any Decoder) throws {
        let text = Array(try decoder.singleValueContainer().decode(String.self).utf8)
        bytes = try stride(from: 0, to: text.count, by: 2).map { index in
            try #require(UInt8(String(decoding: text[index..<index + 2], as: UTF8.self), radix: 16))
        }
    }
}

/// Data generated from a rule: byte i = i·mul + add + i div 256.
struct Pattern: Decodable {
    let mul: Int, add: Int, len: Int

    var bytes: [UInt8] { (0..<len).map { UInt8(truncatingIfNeeded: $0 &* mul &+ add &+ ($0 >> 8)) } }
}

/// A small deterministic generator, so that a failing case can be run again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }
}

import Foundation

/// The conformance vectors that concern a library, by file.
package enum ConformanceVectors {
    /// The lines of one file of `Tests/Conformance/vectors`, never none.
    package static func load<Line: Decodable>(_ file: String, as type: Line.Type = Line.self) throws -> [Line] {
        let decoder = JSONDecoder()
        let lines = try texts(file).map { try decoder.decode(Line.self, from: $0) }
        guard !lines.isEmpty else { throw POSIXFailure("find vectors in \(file)", code: ENODATA) }
        return lines
    }

    /// The lines of one file as they stand there.
    package static func texts(_ file: String) throws -> [Data] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try Data(contentsOf: folder.appending(path: "Conformance/vectors/\(file)"))
            .split(separator: UInt8(ascii: "\n"))
    }
}

/// Bytes written in the vectors as hexadecimal digits.
package struct HexBytes: Decodable {
    package let bytes: [UInt8]

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = Array(try container.decode(String.self).utf8)
        bytes = try stride(from: 0, to: text.count, by: 2).map { index in
            guard let byte = UInt8(String(decoding: text[index..<min(index + 2, text.count)], as: UTF8.self), radix: 16)
            else { throw DecodingError.dataCorruptedError(in: container, debugDescription: "no hexadecimal digits") }
            return byte
        }
    }
}

/// Data generated from a rule: byte i = i·mul + add + i div 256.
package struct Pattern: Decodable {
    package let mul: Int, add: Int, len: Int

    package var bytes: [UInt8] { (0..<len).map { UInt8(truncatingIfNeeded: $0 &* mul &+ add &+ ($0 >> 8)) } }
}

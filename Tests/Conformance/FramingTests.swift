import Protocol
import Testing

/// Whole packets: composed from their parts, taken apart, and refused when damaged.
@Suite(.timeLimit(.minutes(2)))
struct FramingTests {
    @Test func framings() throws {
        try VectorFile.run("framing.jsonl") { line in
            let framing = try line.member("framing").string
            let packet = Packet(
                word: try #require(ProtocolWord(rawValue: try line.member("protocol").integer())),
                kind: try line.member("kind").integer(), body: try line.member("bodyHex").hex,
                hex: try line.member("hex").hex)
            try packet.hex.withUnsafeBytes {
                try require(ProtocolWord(of: $0) == packet.word, "protocol word")
            }
            if packet.kind == 0 {
                let code = try ProtocolError(decoding: packet.body)
                try require(code.rawValue == (try line.member("error").integer()), "error code")
            } else {
                try codec(of: line).check(try line.member("value"), packet.body)
            }
            if packet.word.isSigned {
                try packet.checkSigned(line)
            } else if framing.hasPrefix("registry") {
                try packet.checkRegistry(line)
            } else if framing.hasPrefix("blocks") {
                try packet.checkBlocks(line)
            } else {
                try packet.checkPlain(line)
            }
        }
    }
}

/// A vector's packet and what it consists of.
private struct Packet {
    let word: ProtocolWord
    let kind: UInt8
    let body: [UInt8]
    let hex: [UInt8]

    /// What `write` composes.
    private func compose(_ write: (inout WireWriter) throws(EncodeError) -> Void) throws -> [UInt8] {
        try encodedBytes(capacity: hex.count, write)
    }

    func checkPlain(_ line: JSON) throws {
        let id = try line.member("requestId").integer(UInt64.self)
        let composed = try compose { (writer) throws(EncodeError) in
            try PlainPacket.writeHeader(word, requestID: id, kind: kind, into: &writer)
            try writer.raw(body)
        }
        try require(composed == hex, "composing")
        if kind == 0 { try checkPlainError(id) }
        try hex.withUnsafeBytes { bytes in
            let parsed = try PlainPacket(bytes, expecting: word)
            try require(parsed.requestID == id && parsed.kind == kind && Array(parsed.body) == body, "parsing")
            for length in 0..<PlainPacket.headerSize {
                let prefix = UnsafeRawBufferPointer(rebasing: bytes[..<length])
                try require((try? PlainPacket(prefix, expecting: word)) == nil, "\(length) bytes")
            }
            for other in ProtocolWord.allCases where other != word {
                try require((try? PlainPacket(bytes, expecting: other)) == nil, "as \(other)")
            }
        }
    }

    private func checkPlainError(_ id: UInt64) throws {
        let error = try ProtocolError(decoding: body)
        let composed = try compose { (writer) throws(EncodeError) in
            try PlainPacket.write(word, requestID: id, error: error, into: &writer)
        }
        try require(composed == hex && hex.count == 15, "composing an error")
    }

    func checkSigned(_ line: JSON) throws {
        let id = try line.member("requestId").integer(UInt64.self)
        let checkpoint = word.hasCheckpoint ? try line.member("checkPointIdx").integer(UInt64.self) : nil
        let key = MACKey(try SecretKey(decoding: try line.member("key").hex))
        let composed = try compose { (writer) throws(EncodeError) in
            try SignedPacket.writeHeader(word, requestID: id, checkpoint: checkpoint, kind: kind, into: &writer)
            try writer.raw(body)
            try SignedPacket.seal(&writer, key: key)
        }
        try require(composed == hex, "composing")
        try require(Array(composed.suffix(8)) == (try line.member("mac").hex), "MAC")
        try hex.withUnsafeBytes { bytes in
            let parsed = try SignedPacket(bytes, expecting: word, key: key)
            try require(parsed.requestID == id && parsed.checkpoint == checkpoint && parsed.kind == kind, "parsing")
            try require(Array(parsed.body) == body, "body")
            for length in 0..<bytes.count {
                let prefix = UnsafeRawBufferPointer(rebasing: bytes[..<length])
                try require((try? SignedPacket(prefix, expecting: word, key: key)) == nil, "\(length) bytes")
            }
        }
        try refusesFlippedBits(key)
    }

    private func refusesFlippedBits(_ key: MACKey) throws {
        var damaged = hex
        for bit in 0..<hex.count * 8 {
            damaged[bit / 8] ^= 1 << (bit % 8)
            try damaged.withUnsafeBytes { bytes in
                try require((try? SignedPacket(bytes, expecting: word, key: key)) == nil, "bit \(bit) flipped")
            }
            damaged[bit / 8] ^= 1 << (bit % 8)
        }
    }

    func checkRegistry(_ line: JSON) throws {
        let length = try line.member("length").integer(Int.self)
        try require(length == body.count + 1, "length")
        let composed = try RegistryFrame.encoded(word, kind: kind, body: RawBody(bytes: body))
        try require(composed == hex, "composing")
        try (hex + [1, 2, 3]).withUnsafeBytes { bytes in
            let parsed = try #require(try RegistryFrame(bytes, expecting: word, limit: 1 << 20))
            try require(parsed.kind == kind && Array(parsed.body) == body && parsed.size == hex.count, "parsing")
            for length in 0..<hex.count {
                let prefix = UnsafeRawBufferPointer(rebasing: bytes[..<length])
                try require(try RegistryFrame(prefix, expecting: word, limit: 1 << 20) == nil, "\(length) bytes")
            }
            try require((try? RegistryFrame(bytes, expecting: word, limit: length - 1)) == nil, "limit")
        }
    }

    func checkBlocks(_ line: JSON) throws {
        let service = word == .blocksRequest ? try line.member("blockServiceId").integer(UInt64.self) : nil
        let trailer = try line.member("trailerHex").hex
        let composed = try compose { (writer) throws(EncodeError) in
            if let service {
                try BlocksRequestHeader(blockService: service, kind: kind).encode(into: &writer)
            } else {
                try BlocksResponseHeader(kind: kind).encode(into: &writer)
            }
            try writer.raw(body)
            try writer.raw(trailer)
        }
        try require(composed == hex, "composing")
        try hex.withUnsafeBytes { bytes in
            var reader = WireReader(bytes)
            if let service {
                let header = try BlocksRequestHeader(from: &reader)
                try require(header == BlocksRequestHeader(blockService: service, kind: kind), "parsing")
            } else {
                try require(try BlocksResponseHeader(from: &reader) == BlocksResponseHeader(kind: kind), "parsing")
            }
            try require(Array(reader.rest()) == body + trailer, "body and trailer")
        }
    }
}

/// A body whose encoding is given.
private struct RawBody: WireValue {
    var bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }
    init(from reader: inout WireReader) throws(DecodeError) { bytes = Array(reader.rest()) }
    static var minimumWireSize: Int { 0 }
    var encodedSize: Int { bytes.count }
    func encode(into writer: inout WireWriter) throws(EncodeError) { try writer.raw(bytes) }
}

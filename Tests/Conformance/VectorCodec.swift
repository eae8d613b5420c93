import Protocol

/// A message or structure under test, its type forgotten.
protocol AnyVectorCodec: Sendable {
    var minimumSize: Int { get }
    var isFixed: Bool { get }
    /// Throws unless `json` and `bytes` are two forms of one value, and nothing shorter or longer is accepted.
    func check(_ json: JSON, _ bytes: [UInt8]) throws
    func decode(_ bytes: [UInt8]) throws
}

struct VectorCodec<Value: WireValue & VectorValue & Hashable>: AnyVectorCodec {
    /// Decodes through the message's view, when it has one.
    var view: (@Sendable (UnsafeRawBufferPointer) throws -> Value)?

    var minimumSize: Int { Value.minimumWireSize }
    var isFixed: Bool { Value.self is any FixedWireValue.Type }

    func decode(_ bytes: [UInt8]) throws { _ = try Value(decoding: bytes) }

    func check(_ json: JSON, _ bytes: [UInt8]) throws {
        let value = try Value(json: json)
        try require(try value.encoded() == bytes, "encoding")
        try require(value.encodedSize == bytes.count, "encoded size")
        try require(bytes.count >= minimumSize, "minimum size")
        try require(try Value(decoding: bytes) == value, "decoding")
        try refusesOtherLengths(bytes) { _ = try Value(decoding: $0) }
        if let view {
            try bytes.withUnsafeBytes { try require(try view($0) == value, "view") }
            try refusesOtherLengths(bytes) { _ = try view($0) }
        }
        try refusesSmallBuffers(value, bytes.count)
    }

    /// Every prefix and one surplus byte must be refused.
    private func refusesOtherLengths(_ bytes: [UInt8], _ decode: (UnsafeRawBufferPointer) throws -> Void) throws {
        try (bytes + [0]).withUnsafeBytes { all in
            for length in Array(0..<bytes.count) + [bytes.count + 1] {
                let isRefused: Bool
                do {
                    try decode(UnsafeRawBufferPointer(rebasing: all[..<length]))
                    isRefused = false
                } catch is DecodeError {
                    isRefused = true
                }
                try require(isRefused, "\(length) of \(bytes.count) bytes")
            }
        }
    }

    /// A buffer one byte too small, or far too small, must be refused.
    private func refusesSmallBuffers(_ value: Value, _ size: Int) throws {
        for capacity in [size - 1, size / 2] where capacity >= 0 && capacity < size {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 1)
            defer { buffer.deallocate() }
            var writer = WireWriter(buffer)
            var failure: EncodeError?
            do throws(EncodeError) {
                try value.encode(into: &writer)
            } catch {
                failure = error
            }
            try require(failure == .bufferTooSmall, "\(capacity) bytes of room for \(size)")
        }
    }
}

/// Throws what was being tested unless `condition` holds.
func require(_ condition: @autoclosure () throws -> Bool, _ what: @autoclosure () -> String) throws {
    guard try condition() else { throw JSON.Mismatch("failed: \(what())") }
}

/// The codec of a line's message.
func codec(of line: JSON) throws -> any AnyVectorCodec {
    let (service, message) = (try line.member("service").string, try line.member("message").string)
    return try codec(service, message, try line.member("direction").string)
}

/// The codec of a message. The vectors spell two messages' names partly in capitals.
func codec(_ service: String, _ message: String, _ direction: String) throws -> any AnyVectorCodec {
    let key = "\(service)/\(message.replacing("DEPRECATED", with: "Deprecated"))/\(direction)"
    if key == "structs/FailureDomain/struct" { return VectorCodec<FailureDomain>() }
    guard let codec = generatedCodecs[key] else { throw JSON.Mismatch("a message '\(key)'") }
    return codec
}

/// Decodes a body through the service's sum type and encodes it again.
func throughSum(_ service: String, _ direction: String, kind: UInt8, _ body: [UInt8]) throws -> [UInt8] {
    try body.withUnsafeBytes { bytes in
        func again(
            _ size: Int, _ encode: (inout WireWriter) throws(EncodeError) -> Void
        ) throws -> [UInt8] {
            try encodedBytes(capacity: size, encode)
        }
        switch (service, direction) {
        case ("shard", "request"):
            let any = try AnyShardRequest.decode(kind: kind, body: bytes)
            return try again(any.encodedSize, any.encode)
        case ("shard", _):
            let any = try AnyShardResponse.decode(kind: kind, body: bytes)
            return try again(any.encodedSize, any.encode)
        case ("cdc", "request"):
            let any = try AnyCdcRequest.decode(kind: kind, body: bytes)
            return try again(any.encodedSize, any.encode)
        case ("cdc", _):
            let any = try AnyCdcResponse.decode(kind: kind, body: bytes)
            return try again(any.encodedSize, any.encode)
        case ("registry", "request"):
            let any = try AnyRegistryRequest.decode(kind: kind, body: bytes)
            return try again(any.encodedSize, any.encode)
        case ("registry", _):
            let any = try AnyRegistryResponse.decode(kind: kind, body: bytes)
            return try again(any.encodedSize, any.encode)
        case ("blocks", "request"):
            let any = try AnyBlocksRequest.decode(kind: kind, body: bytes)
            return try again(any.encodedSize, any.encode)
        case ("blocks", _):
            let any = try AnyBlocksResponse.decode(kind: kind, body: bytes)
            return try again(any.encodedSize, any.encode)
        case ("log", "request"):
            let any = try AnyLogRequest.decode(kind: kind, body: bytes)
            return try again(any.encodedSize, any.encode)
        case ("log", _):
            let any = try AnyLogResponse.decode(kind: kind, body: bytes)
            return try again(any.encodedSize, any.encode)
        default: throw JSON.Mismatch("a service instead of '\(service)'")
        }
    }
}

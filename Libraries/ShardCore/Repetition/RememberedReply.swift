import Protocol

/// The answer to a request, kept for its copies: kind and body as in a packet, kind 0 with an error code.
package struct RememberedReply: WireValue, Hashable {
    package var kind: UInt8
    package var body: [UInt8]

    init(_ reply: ShardReply) throws(EncodeError) {
        switch reply {
        case .response(let response):
            kind = response.kind.rawValue
            body = try encodedBytes(capacity: response.encodedSize) { (writer) throws(EncodeError) in
                try response.encode(into: &writer)
            }
        case .refused(let code):
            kind = 0
            body = try code.encoded()
        }
    }

    /// What was answered; nil when the bytes are none of an answer.
    var reply: ShardReply? {
        if kind == 0 { return (try? ProtocolError(decoding: body)).map(ShardReply.refused) }
        return body.withUnsafeBytes { raw in
            (try? AnyShardResponse.decode(kind: kind, body: raw)).map(ShardReply.response)
        }
    }

    package static var minimumWireSize: Int { 4 }
    package var encodedSize: Int { 4 + body.count }

    package init(from reader: inout WireReader) throws(DecodeError) {
        try reader.recordVersion1()
        kind = try reader.read()
        body = try reader.blob()
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(recordVersion)
        try writer.write(kind)
        try writer.blob(body)
    }
}

/// A place in the order in which requests without a number are forgotten.
struct RecentRequest: WireValue, Hashable {
    /// Of the entry that carried it out.
    var time: Timestamp
    var key: RequestKey

    static var minimumWireSize: Int { 25 }
    var encodedSize: Int { 25 }

    init(time: Timestamp, key: RequestKey) {
        self.time = time
        self.key = key
    }

    init(from reader: inout WireReader) throws(DecodeError) {
        try reader.recordVersion1()
        time = try reader.read()
        let requestID = try reader.read(UInt64.self)
        key = RequestKey(requestID: requestID, digest: try reader.read())
    }

    func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(recordVersion)
        try writer.write(time)
        try writer.write(key.requestID)
        try writer.write(key.digest)
    }
}

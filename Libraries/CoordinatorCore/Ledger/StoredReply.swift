import Protocol

/// A remembered reply with its age, as the state store holds it.
struct StoredReply: WireValue {
    var time: ReplyTime
    var reply: RememberedReply

    static let minimumWireSize = 26
    /// An upper bound; the encoding is made in a buffer of this size and cut.
    var encodedSize: Int { 64 }

    init(time: ReplyTime, reply: RememberedReply) {
        self.time = time
        self.reply = reply
    }

    init(from reader: inout WireReader) throws(DecodeError) {
        time = try reader.read()
        guard let reply = try reader.readReply() else { throw .invalidValue }
        self.reply = reply
    }

    func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(time)
        try writer.write(reply)
    }
}

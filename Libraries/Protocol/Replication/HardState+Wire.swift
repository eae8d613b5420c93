import Consensus
import Wire

/// The term, then a byte: bit 0 whether a vote follows, bit 1 whether a doubt does.
extension HardState: WireValue {
    public static var minimumWireSize: Int { 9 }
    public var encodedSize: Int { Self.minimumWireSize + (vote?.encodedSize ?? 0) + (doubt?.encodedSize ?? 0) }

    public init(from reader: inout WireReader) throws(DecodeError) {
        let term = try reader.read(Term.self)
        let flags = try reader.read(UInt8.self)
        guard flags < 4 else { throw .invalidValue }
        self.init(
            term: term, vote: flags & 1 != 0 ? try reader.read() : nil, doubt: flags & 2 != 0 ? try reader.read() : nil)
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(term)
        try writer.write(UInt8((vote == nil ? 0 : 1) | (doubt == nil ? 0 : 2)))
        if let vote { try writer.write(vote) }
        if let doubt { try writer.write(doubt) }
    }
}

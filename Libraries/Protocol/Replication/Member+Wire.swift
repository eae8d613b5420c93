import Consensus
import Wire

extension Member: WireValue {
    public static var minimumWireSize: Int { 9 }
    public var encodedSize: Int { Self.minimumWireSize }

    public init(from reader: inout WireReader) throws(DecodeError) {
        self.init(slot: try reader.read(), incarnation: try reader.read())
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(slot)
        try writer.write(incarnation)
    }
}

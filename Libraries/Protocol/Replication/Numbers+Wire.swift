import Consensus
import Wire

extension Term: RawWireValue {}
extension Nonce: RawWireValue {}
extension Incarnation: RawWireValue {}

extension ReplicaSlot: WireValue {
    public static var minimumWireSize: Int { 1 }
    public var encodedSize: Int { 1 }

    public init(from reader: inout WireReader) throws(DecodeError) {
        guard let slot = ReplicaSlot(rawValue: try reader.read()) else { throw .invalidValue }
        self = slot
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(rawValue)
    }
}

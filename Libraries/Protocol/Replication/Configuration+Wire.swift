import Consensus
import Wire

/// One byte with a bit for each slot that is taken, then the seats in their order.
extension Configuration: WireValue {
    public static var minimumWireSize: Int { 1 }

    public var encodedSize: Int { slots.reduce(1) { $0 + (self[$1]?.encodedSize ?? 0) } }

    public init(from reader: inout WireReader) throws(DecodeError) {
        let taken = try reader.read(UInt8.self)
        guard taken >> UInt8(ReplicaSlot.count) == 0 else { throw .invalidValue }
        self.init()
        for slot in ReplicaSlot.all where taken >> slot.rawValue & 1 == 1 { self[slot] = try reader.read() }
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(slots.reduce(UInt8(0)) { $0 | 1 << $1.rawValue })
        for slot in slots {
            if let seat = self[slot] { try writer.write(seat) }
        }
    }
}

/// The incarnation, then a byte: bit 0 whether it is a voter, bit 1 whether a nonce follows.
extension Configuration.Seat: WireValue {
    public static var minimumWireSize: Int { 9 }
    public var encodedSize: Int { Self.minimumWireSize + (nonce?.encodedSize ?? 0) }

    public init(from reader: inout WireReader) throws(DecodeError) {
        let incarnation = try reader.read(Incarnation.self)
        let flags = try reader.read(UInt8.self)
        guard flags < 4 else { throw .invalidValue }
        self.init(
            incarnation: incarnation, isVoter: flags & 1 != 0, nonce: flags & 2 != 0 ? try reader.read() : nil)
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(incarnation)
        try writer.write(UInt8((isVoter ? 1 : 0) | (nonce == nil ? 0 : 2)))
        if let nonce { try writer.write(nonce) }
    }
}

import Consensus
import Wire

/// One byte, then the seats in their order. Its bits 0 to 4 say which slots are taken, the others who should lead: 0
/// whoever does, else a slot and one. 6 there: before the seats come a byte that says that, the number of those that are
/// expelled, and their incarnations. Versions that do not know of these refuse a configuration that has any.
extension Configuration: WireValue {
    private static let longer: UInt8 = 6

    public static var minimumWireSize: Int { 1 }

    public var encodedSize: Int {
        let expelledSize = expelled.isEmpty ? 0 : 2 + expelled.count * Incarnation.wireSize
        return slots.reduce(1 + expelledSize) { $0 + (self[$1]?.encodedSize ?? 0) }
    }

    public init(from reader: inout WireReader) throws(DecodeError) {
        let first = try reader.read(UInt8.self)
        self.init()
        var wish = first >> UInt8(ReplicaSlot.count)
        if wish == Self.longer {
            wish = try reader.read(UInt8.self)
            let count = try reader.read(UInt8.self)
            guard count > 0, count <= Self.mostExpelled else { throw .invalidValue }
            for _ in 0..<count { expelled.append(try reader.read()) }
        }
        if wish > 0 {
            guard let slot = ReplicaSlot(rawValue: wish - 1) else { throw .invalidValue }
            wished = slot
        }
        for slot in ReplicaSlot.all where first >> slot.rawValue & 1 == 1 { self[slot] = try reader.read() }
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        let wish = wished.map { $0.rawValue + 1 } ?? 0
        let isLonger = !expelled.isEmpty
        let high = (isLonger ? Self.longer : wish) << UInt8(ReplicaSlot.count)
        try writer.write(slots.reduce(high) { $0 | 1 << $1.rawValue })
        if isLonger {
            let newest = expelled.suffix(Self.mostExpelled)
            try writer.write(wish)
            try writer.write(UInt8(newest.count))
            for incarnation in newest { try writer.write(incarnation) }
        }
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

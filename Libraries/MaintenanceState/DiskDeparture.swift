import Protocol
import Store
import Wire

/// Bytes that were moved away from a disk and may still lie there, because garbage collection has not erased them yet.
public struct DiskDeparture: Hashable, Sendable {
    public var disk: BlockServiceID
    public var bytes: UInt64
    /// When they should be erased. Distinguishes departures of one disk.
    public var until: Timestamp

    public init(disk: BlockServiceID, bytes: UInt64, until: Timestamp) {
        self.disk = disk
        self.bytes = bytes
        self.until = until
    }
}

extension MaintenanceState {
    private static let departureKey = StateKey("m")

    /// Remembers a departure.
    public func addDeparture(_ departure: DiskDeparture) throws(MaintenanceStateError) {
        var writer = StateWriter()
        writer.put(departure.bytes)
        let key = Self.departureKey.adding(departure.until.nanoseconds).adding(departure.disk.rawValue)
        try put(key.bytes, writer.bytes)
    }

    /// The departures that are not erased yet, and forgets the others.
    public func departures(after now: Timestamp) throws(MaintenanceStateError) -> [DiskDeparture] {
        var departures: [DiskDeparture] = []
        var old = WriteBatch()
        for (key, value) in try entries(Self.departureKey) {
            let (until, disk) = try StateReader.read(Array(key.dropFirst()), "departure") {
                (reader) throws(DecodeError) in
                (try reader.integer(UInt64.self).byteSwapped, try reader.integer(UInt64.self).byteSwapped)
            }
            let bytes = try StateReader.read(value, "departure") { (reader) throws(DecodeError) in
                try reader.integer(UInt64.self)
            }
            if until > now.nanoseconds {
                departures.append(
                    DiskDeparture(
                        disk: BlockServiceID(rawValue: disk), bytes: bytes, until: Timestamp(nanoseconds: until)))
            } else {
                old.delete(key)
            }
        }
        if !old.isEmpty { try write(old) }
        return departures
    }
}

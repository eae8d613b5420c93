import Protocol
import Wire

/// What was known of the cluster's time when somebody looked last.
public struct ClockLook: Hashable, Sendable {
    /// What it was, to a minute.
    public var time: Timestamp
    /// Until then nothing is taken away, because the clock was set.
    public var restEnds: Timestamp

    public init(time: Timestamp, restEnds: Timestamp = .zero) {
        self.time = time
        self.restEnds = restEnds
    }
}

extension MaintenanceState {
    private static let clockKey = StateKey("c").bytes

    /// Nil: nobody has looked yet.
    public func clockLook() throws(MaintenanceStateError) -> ClockLook? {
        guard let bytes = try value(of: Self.clockKey) else { return nil }
        return try StateReader.read(bytes, "look at the clock") { (reader) throws(DecodeError) in
            let (time, restEnds) = (try reader.integer(UInt64.self), try reader.integer(UInt64.self))
            return ClockLook(time: Timestamp(nanoseconds: time), restEnds: Timestamp(nanoseconds: restEnds))
        }
    }

    /// Remembers the last look.
    public func set(_ look: ClockLook) throws(MaintenanceStateError) {
        var writer = StateWriter()
        writer.put(look.time.nanoseconds)
        writer.put(look.restEnds.nanoseconds)
        try put(Self.clockKey, writer.bytes)
    }
}

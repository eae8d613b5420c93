import Protocol

/// A wall clock for others to go by: where it is set by more than a minute it goes on as before, and follows only when
/// that has lasted. Pure.
///
/// Deadlines of open files and the age of what is deleted follow from the registry's time, so a clock that is set by
/// mistake for a moment must not reach anybody. Where the registry shares a machine with others they hear that theirs
/// is wrong.
public struct SteadyClock: Sendable {
    /// Clocks that are kept right are set by less, in nanoseconds.
    public static let toleranceNanoseconds: UInt64 = 60_000_000_000
    /// How long the clock must have stayed where it was set, in nanoseconds, before that is followed.
    public static let lastingNanoseconds: UInt64 = 300_000_000_000

    /// The wall clock less the time since the machine started, as others know it.
    private var known: Int128?
    /// The same as it is since somebody set the clock, and since when.
    private var other: (difference: Int128, since: UInt64)?

    public init() {}

    /// By how many seconds the clock was set without being followed yet.
    public var disputedSeconds: Int64 {
        guard let known, let other else { return 0 }
        return Int64(clamping: (other.difference - known) / 1_000_000_000)
    }

    /// The time to go by.
    /// - Parameters:
    ///   - wall: what the clock says.
    ///   - boot: time since the machine started, suspension included, in nanoseconds.
    public mutating func time(wall: Timestamp, boot: UInt64) -> Timestamp {
        let difference = Int128(wall.nanoseconds) - Int128(boot)
        guard let known, Self.areApart(known, difference) else { return follow(difference, wall) }
        if let other, !Self.areApart(other.difference, difference) {
            if boot &- other.since >= Self.lastingNanoseconds { return follow(difference, wall) }
            self.other = (difference, other.since)
        } else {
            other = (difference, boot)
        }
        return Timestamp(nanoseconds: UInt64(clamping: known + Int128(boot)))
    }

    private mutating func follow(_ difference: Int128, _ wall: Timestamp) -> Timestamp {
        (known, other) = (difference, nil)
        return wall
    }

    private static func areApart(_ first: Int128, _ second: Int128) -> Bool {
        (first - second).magnitude > UInt128(toleranceNanoseconds)
    }
}

import Wire

/// Whether a group does what an operator wants; if not, nothing has happened.
@frozen
public struct SteeringOutcome: RawWireValue, Hashable {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// It is so, or will be at once.
    public static let done = SteeringOutcome(rawValue: 0)
    /// Something else is under way, such as another change: it may be asked for again soon.
    public static let later = SteeringOutcome(rawValue: 1)
    public static let notAMember = SteeringOutcome(rawValue: 2)
    /// The replica only receives yet.
    public static let notAVoter = SteeringOutcome(rawValue: 3)
    /// The replica is not heard of.
    public static let isAway = SteeringOutcome(rawValue: 4)
    /// The replica lacks too much to lead.
    public static let isBehind = SteeringOutcome(rawValue: 5)
    /// The replica is there and takes part: what is to be removed is stopped first.
    public static let isPresent = SteeringOutcome(rawValue: 6)
    /// Those that would be left could decide nothing.
    public static let tooFewAreLeft = SteeringOutcome(rawValue: 7)
}

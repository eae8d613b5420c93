import Wire

/// What a vote is asked for.
@frozen
public struct VotePurpose: RawWireValue, Hashable {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Whether it would be given.
    public static let asking = VotePurpose(rawValue: 0)
    public static let election = VotePurpose(rawValue: 1)
    /// An election that the leader has asked for.
    public static let transfer = VotePurpose(rawValue: 2)

    @inlinable
    public var isValidOnWire: Bool { rawValue <= 2 }
}

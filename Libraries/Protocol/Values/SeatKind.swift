import Wire

/// What a replica is in its group.
@frozen
public struct SeatKind: RawWireValue, Hashable {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// It only receives.
    public static let learner = SeatKind(rawValue: 0)
    public static let voter = SeatKind(rawValue: 1)
    /// A voter that should lead whenever it can, as an operator has said.
    public static let wished = SeatKind(rawValue: 3)

    @inlinable
    public var isValidOnWire: Bool { [0, 1, 3].contains(rawValue) }
}

extension ReplicaView {
    public var isVoter: Bool { seat != .learner }
}

extension ReplicaStatus {
    /// Who should lead, as an operator has said.
    public var wished: ReplicaID { members.first { $0.seat == .wished }?.replica ?? .nobody }
}

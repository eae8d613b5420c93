import Wire

/// What an operator wants of a group's replicas.
@frozen
public struct Steering: RawWireValue, Hashable {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// That the replica leads whenever it can, from now on and for good.
    public static let lead = Steering(rawValue: 1)
    /// That it does not matter any more which one leads.
    public static let anyLeads = Steering(rawValue: 2)
    /// That the replica, which is gone, no longer belongs to the group.
    public static let remove = Steering(rawValue: 3)

    @inlinable
    public var isValidOnWire: Bool { (1...3).contains(rawValue) }
}

import Wire

/// The number of a replica within its group; groups have at most five.
@frozen
public struct ReplicaID: RawWireValue, Hashable, Comparable, CustomStringConvertible {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// In the place of a replica where there is none.
    public static let nobody = ReplicaID(rawValue: .max)

    /// The greatest number of replicas of one group.
    public static let limit: UInt8 = 5

    @inlinable
    public static func < (left: ReplicaID, right: ReplicaID) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}

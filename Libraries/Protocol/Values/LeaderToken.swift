import Wire

/// A leader's term: `log index << 3 | replica`. A greater token deposes a smaller one.
@frozen
public struct LeaderToken: RawWireValue, Hashable, Comparable, CustomStringConvertible {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    @inlinable
    public init(replica: ReplicaID, index: LogIndex) {
        rawValue = index.rawValue << 3 | UInt64(replica.rawValue & 7)
    }

    @inlinable public var replica: ReplicaID { ReplicaID(rawValue: UInt8(truncatingIfNeeded: rawValue) & 7) }
    @inlinable public var index: LogIndex { LogIndex(rawValue: rawValue >> 3) }

    @inlinable
    public static func < (left: LeaderToken, right: LeaderToken) -> Bool { left.rawValue < right.rawValue }

    public var description: String { "\(replica)@\(index)" }
}

import Wire

/// A replica of a shard: `replica << 8 | shard`. A decoder refuses replicas above 4.
@frozen
public struct ShardReplicaID: RawWireValue, Hashable, CustomStringConvertible {
    public var rawValue: UInt16

    @inlinable
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    @inlinable
    public init(shard: ShardID, replica: ReplicaID) {
        rawValue = UInt16(replica.rawValue) << 8 | UInt16(shard.rawValue)
    }

    @inlinable public var shard: ShardID { ShardID(rawValue: UInt8(truncatingIfNeeded: rawValue)) }
    @inlinable public var replica: ReplicaID { ReplicaID(rawValue: UInt8(truncatingIfNeeded: rawValue >> 8)) }
    @inlinable public var isValidOnWire: Bool { replica.rawValue < ReplicaID.limit }

    /// Shard and replica, as in `17:0`.
    public var description: String { "\(shard):\(replica)" }
}

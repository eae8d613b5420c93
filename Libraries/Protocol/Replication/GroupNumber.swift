import Wire

/// Which of the groups that a process may have replicas of: 0...255 are the shards, 256 the coordinator, 257 the registry.
@frozen
public struct GroupNumber: RawWireValue, Hashable, Comparable, CustomStringConvertible {
    public var rawValue: UInt32

    @inlinable
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    @inlinable
    public static func < (left: GroupNumber, right: GroupNumber) -> Bool { left.rawValue < right.rawValue }

    public var description: String { "group \(rawValue)" }
}

import Wire

/// An inode's number with one more bit: "locked" for a current edge, "owned" for a snapshot edge.
@frozen
public struct InodeIDExtra: RawWireValue, Hashable, CustomStringConvertible {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    @inlinable
    public init(id: InodeID, flag: Bool) {
        rawValue = id.rawValue & ~Self.flagBit | (flag ? Self.flagBit : 0)
    }

    @usableFromInline static let flagBit: UInt64 = 1 << 63

    @inlinable public var id: InodeID { InodeID(rawValue: rawValue & ~Self.flagBit) }
    /// Bit 63: locked or owned, depending on the edge.
    @inlinable public var flag: Bool { rawValue & Self.flagBit != 0 }
    @inlinable public var isValidOnWire: Bool { id.isValidOnWire }

    public var description: String { flag ? "\(id)!" : id.description }
}

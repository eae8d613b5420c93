import Wire

/// The position of an entry in a group's log, below 2^61.
@frozen
public struct LogIndex: RawWireValue, Hashable, Comparable, CustomStringConvertible {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Before the first entry.
    public static let zero = LogIndex(rawValue: 0)

    /// The position of the following entry.
    @inlinable public var next: LogIndex { LogIndex(rawValue: rawValue &+ 1) }

    @inlinable
    public static func < (left: LogIndex, right: LogIndex) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}

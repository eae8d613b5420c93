/// Where an entry stands in the log of its group. The first entry has 1; 0 is before it.
@frozen
public struct LogIndex: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let zero = LogIndex(rawValue: 0)
    /// No message may name a later one, so that sums of an index and a count never overflow.
    public static let limit = LogIndex(rawValue: 1 << 62)

    @inlinable public var next: LogIndex { LogIndex(rawValue: rawValue &+ 1) }
    /// The one before; that of 0 is 0.
    public var previous: LogIndex { LogIndex(rawValue: rawValue == 0 ? 0 : rawValue &- 1) }

    /// The index `count` entries further on.
    public func advanced(by count: Int) -> LogIndex { LogIndex(rawValue: rawValue &+ UInt64(clamping: count)) }

    @inlinable
    public static func < (left: LogIndex, right: LogIndex) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}

/// Where an entry stands in the log of its group. The first entry has 1; 0 is before it.
public struct EntryIndex: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let zero = EntryIndex(rawValue: 0)
    /// No message may name a later one, so that sums of an index and a count never overflow.
    public static let limit = EntryIndex(rawValue: 1 << 62)

    public var next: EntryIndex { EntryIndex(rawValue: rawValue &+ 1) }
    /// The one before; that of 0 is 0.
    public var previous: EntryIndex { EntryIndex(rawValue: rawValue == 0 ? 0 : rawValue &- 1) }

    /// The index `count` entries further on.
    public func advanced(by count: Int) -> EntryIndex { EntryIndex(rawValue: rawValue &+ UInt64(clamping: count)) }

    public static func < (left: EntryIndex, right: EntryIndex) -> Bool { left.rawValue < right.rawValue }

    public var description: String { "index \(rawValue)" }
}

/// A period with at most one leader. Terms only grow; term 0 is before the first election.
public struct Term: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let zero = Term(rawValue: 0)
    /// No message may name a later one, so that `next` never overflows.
    public static let limit = Term(rawValue: 1 << 62)

    public var next: Term { Term(rawValue: rawValue &+ 1) }

    public static func < (left: Term, right: Term) -> Bool { left.rawValue < right.rawValue }

    public var description: String { "term \(rawValue)" }
}

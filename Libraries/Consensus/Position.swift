/// An entry named so that no other can be meant: two logs that have an entry at the same position agree up to there.
///
/// Positions are ordered as elections compare logs: the later term wins, then the longer log.
public struct Position: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var index: LogIndex
    public var term: Term

    public init(index: LogIndex, term: Term) {
        self.index = index
        self.term = term
    }

    /// Before the first entry.
    public static let zero = Position(index: .zero, term: .zero)

    public static func < (left: Position, right: Position) -> Bool {
        left.term != right.term ? left.term < right.term : left.index < right.index
    }

    /// Whether a message may name it.
    var isPlausible: Bool { index <= .limit && term <= .limit }

    public var description: String { "\(index.rawValue)@\(term.rawValue)" }
}

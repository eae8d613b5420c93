import Consensus
import Protocol

/// What a log holds of one group: not the entries, but which of all that was written still counts.
///
/// At an index and a term there is only ever one entry. So an entry counts if it has the term that belongs to its index.
public struct LogContents: Equatable, Sendable {
    /// The newest one; nil if there never was one.
    public private(set) var hardState: [UInt8]?
    /// The newest one, which may be older than all entries.
    public private(set) var base: LogBase?
    /// The entries that are there, without a gap; nil if there is none.
    public private(set) var entries: ClosedRange<LogIndex>?
    /// Where each term begins, in order, from the first entry on.
    private var terms: [TermStart] = []

    private struct TermStart: Equatable {
        let index: LogIndex
        let term: Term
    }

    public init() {}

    /// The term of the entry at `index`, or of the base there; nil if there is neither.
    public func term(at index: LogIndex) -> Term? {
        if let entries, entries.contains(index) { return terms.last { $0.index <= index }?.term }
        return base.flatMap { $0.index == index ? $0.term : nil }
    }

    /// Whether an entry of a record still counts.
    func counts(_ index: LogIndex, _ term: Term) -> Bool {
        entries?.contains(index) == true && self.term(at: index) == term
    }

    /// Whether it would empty the log: its entries do not lead to what the state stands for.
    func isEmptied(by base: LogBase) -> Bool {
        guard let entries else { return false }
        // A log that begins right behind follows, and one that begins further on was trimmed meanwhile.
        return base.index >= entries.lowerBound && term(at: base.index) != base.term
    }

    /// False if the item cannot follow on what is there.
    mutating func take(_ item: PackedItem) -> Bool {
        switch item.kind {
        case .command, .beginning, .configuration: return append(item.index, item.term)
        case .cut: cut(from: item.index)
        case .hardState: hardState = [UInt8](item.bytes)
        case .base: if let base = item.base { begin(base) }
        case .summary: break
        }
        return true
    }

    private mutating func append(_ index: LogIndex, _ term: Term) -> Bool {
        guard index > .zero, index.rawValue < .max else { return false }
        if let entries {
            guard index <= entries.upperBound.next else { return false }
            // Of what was there before the first, only what was cut may be left: it may be in its place.
            cut(from: index)
        }
        if let newest = terms.last, newest.term > term { return false }
        if terms.last?.term != term { terms.append(TermStart(index: index, term: term)) }
        entries = (entries?.lowerBound ?? index)...index
        return true
    }

    private mutating func cut(from index: LogIndex) {
        guard let entries, index <= entries.upperBound else { return }
        terms.removeAll { $0.index >= index }
        self.entries =
            index > entries.lowerBound ? entries.lowerBound...LogIndex(rawValue: index.rawValue - 1) : nil
        if self.entries == nil { terms = [] }
    }

    /// The entries up to `index` are gone, as the state holds them.
    mutating func forget(through index: LogIndex) {
        guard let entries, index >= entries.lowerBound else { return }
        guard index < entries.upperBound else {
            (self.entries, terms) = (nil, [])
            return
        }
        let later = terms.lastIndex { $0.index <= index.next } ?? 0
        terms.removeFirst(later)
        self.entries = index.next...entries.upperBound
    }

    private mutating func begin(_ base: LogBase) {
        if isEmptied(by: base) { (entries, terms) = (nil, []) }
        self.base = base
    }
}

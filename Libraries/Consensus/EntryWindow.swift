/// The end of a log in memory: what follows on `base`, without gaps.
struct EntryWindow: Sendable {
    /// The last position before the window; everything up to it is final.
    private(set) var base: Position
    /// The window's entries from `dropped` on.
    private var entries: [Entry] = []
    /// By entry: the bytes of all up to it, wrapping.
    private var ends: [UInt64] = []
    /// How many at the beginning of the arrays are let go of already: they are moved now and then, not each time.
    private var dropped = 0
    private var baseEnd: UInt64 = 0

    init(base: Position) { self.base = base }

    var count: Int { entries.count - dropped }
    var last: Position { count == 0 ? base : entries[entries.count - 1].position }

    /// Whether the entry at `index` is here.
    func contains(_ index: LogIndex) -> Bool { index > base.index && index <= last.index }

    /// `index` must be here.
    subscript(index: LogIndex) -> Entry { entries[place(of: index)] }

    /// The term at the base or at an entry of the window; nil elsewhere.
    func term(at index: LogIndex) -> Term? {
        if index == base.index { return base.term }
        return contains(index) ? entries[place(of: index)].term : nil
    }

    /// Bytes of the entries behind `start` through `end`, both at the base or in the window.
    func byteCount(after start: LogIndex, through end: LogIndex) -> Int {
        Int(clamping: bytes(through: end) &- bytes(through: start))
    }

    /// Entries behind `start`, which is at the base or in the window: as many as fit into `bytes`, but one if there
    /// is one.
    func entries(after start: LogIndex, bytes: Int) -> [Entry] {
        guard start < last.index, start >= base.index else { return [] }
        let first = place(of: start.next)
        let limit = self.bytes(through: start)
        var end = first + 1
        while end < entries.count, ends[end] &- limit <= UInt64(clamping: bytes) { end += 1 }
        return Array(entries[first..<end])
    }

    /// The last position up to `index` whose term is at most `term`; the base if the window has none.
    func lastPosition(upTo index: LogIndex, termAtMost term: Term) -> Position {
        // Terms never go back, so the places can be halved.
        var low = dropped
        var high = min(index, last.index) > base.index ? place(of: min(index, last.index)) + 1 : dropped
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].term <= term { low = middle + 1 } else { high = middle }
        }
        return low == dropped ? base : entries[low - 1].position
    }

    /// The entry follows on the last one.
    mutating func append(_ entry: Entry) {
        ends.append(bytes(through: last.index) &+ UInt64(clamping: entry.byteCount))
        entries.append(entry)
    }

    /// The entry at `index`, which is in the window, and all behind it go.
    mutating func cut(from index: LogIndex) {
        let first = place(of: index)
        entries.removeSubrange(first...)
        ends.removeSubrange(first...)
    }

    /// The entries up to `index`, which is in the window, go.
    mutating func compact(through index: LogIndex) {
        let place = place(of: index)
        base = entries[place].position
        baseEnd = ends[place]
        dropped = place + 1
        guard dropped > entries.count / 2 else { return }
        entries.removeFirst(dropped)
        ends.removeFirst(dropped)
        dropped = 0
    }

    private func place(of index: LogIndex) -> Int {
        Int(clamping: index.rawValue &- base.index.rawValue) - 1 + dropped
    }

    private func bytes(through index: LogIndex) -> UInt64 { index == base.index ? baseEnd : ends[place(of: index)] }
}

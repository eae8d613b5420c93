import Protocol

/// The last entry of each of some groups, in the order of the groups.
public struct LogTails: Sequence, Sendable {
    private var tails: [(LogGroupID, LogIndex)] = []

    public init() {}

    public func makeIterator() -> IndexingIterator<[(LogGroupID, LogIndex)]> { tails.makeIterator() }

    /// Entry `index` of `group` is behind those before.
    mutating func advance(_ group: LogGroupID, to index: LogIndex) {
        let position = position(of: group)
        if position < tails.count, tails[position].0 == group {
            tails[position].1 = index
        } else {
            tails.insert((group, index), at: position)
        }
    }

    /// Where `group` stands, or would.
    private func position(of group: LogGroupID) -> Int {
        var (low, high) = (0, tails.count)
        while low < high {
            let middle = (low + high) / 2
            if tails[middle].0 < group { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

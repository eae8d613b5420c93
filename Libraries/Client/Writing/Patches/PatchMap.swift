/// Which bytes of a file hide those that are stored: by others, or by zeros. Pure; the bytes are elsewhere.
package struct PatchMap: Hashable, Sendable {
    package private(set) var data = OffsetSet()
    package private(set) var zeros = OffsetSet()

    package init() {}

    package var isEmpty: Bool { data.isEmpty && zeros.isEmpty }
    package var end: UInt64 { max(data.end, zeros.end) }

    package mutating func write(_ range: Range<UInt64>) {
        data.insert(range)
        if !zeros.isEmpty { zeros.remove(range) }
    }

    package mutating func zero(_ range: Range<UInt64>) {
        data.remove(range)
        zeros.insert(range)
    }

    /// What is stored shows again.
    package mutating func remove(_ range: Range<UInt64>) {
        data.remove(range)
        zeros.remove(range)
    }

    package func intersects(_ range: Range<UInt64>) -> Bool {
        data.intersects(range) || zeros.intersects(range)
    }

    /// Everything hidden.
    package var touched: OffsetSet { data.union(zeros) }

    /// The least range that holds all bytes of `range` that are not hidden; nil: all are.
    package func visible(in range: Range<UInt64>) -> Range<UInt64>? {
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high, let cover = cover(of: low) { low = min(cover.upperBound, high) }
        while low < high, let cover = cover(of: high - 1) { high = max(cover.lowerBound, low) }
        return low < high ? low..<high : nil
    }

    private func cover(of offset: UInt64) -> Range<UInt64>? {
        for set in [data, zeros] {
            if let range = set.next(after: offset), range.contains(offset) { return range }
        }
        return nil
    }
}

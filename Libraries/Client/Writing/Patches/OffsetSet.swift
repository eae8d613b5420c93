/// Offsets, as ranges in order that neither overlap nor touch. Pure.
package struct OffsetSet: Hashable, Sendable {
    package private(set) var ranges: [Range<UInt64>] = []

    package init() {}

    package var isEmpty: Bool { ranges.isEmpty }

    /// What lies behind the last of them; 0 without any.
    package var end: UInt64 { ranges.last?.upperBound ?? 0 }

    package mutating func insert(_ new: Range<UInt64>) {
        guard !new.isEmpty else { return }
        // What touches it becomes one with it.
        let first = firstIndex { $0.upperBound >= new.lowerBound }
        var (merged, next) = (new, first)
        while next < ranges.count, ranges[next].lowerBound <= new.upperBound {
            merged = min(merged.lowerBound, ranges[next].lowerBound)..<max(merged.upperBound, ranges[next].upperBound)
            next += 1
        }
        if next == first + 1 {
            ranges[first] = merged
        } else {
            ranges.replaceSubrange(first..<next, with: CollectionOfOne(merged))
        }
    }

    package mutating func remove(_ old: Range<UInt64>) {
        guard !old.isEmpty else { return }
        let first = firstIndex { $0.upperBound > old.lowerBound }
        var next = first
        while next < ranges.count, ranges[next].lowerBound < old.upperBound { next += 1 }
        guard first < next else { return }
        let before = ranges[first].lowerBound..<max(ranges[first].lowerBound, old.lowerBound)
        let after = min(ranges[next - 1].upperBound, old.upperBound)..<ranges[next - 1].upperBound
        ranges.replaceSubrange(first..<next, with: [before, after].filter { !$0.isEmpty })
    }

    /// With all of `other`, in one pass.
    package func union(_ other: OffsetSet) -> OffsetSet {
        var all = OffsetSet()
        all.ranges.reserveCapacity(ranges.count + other.ranges.count)
        var (mine, others) = (ranges[...], other.ranges[...])
        while let left = mine.first, let right = others.first {
            all.insert(left.lowerBound < right.lowerBound ? mine.removeFirst() : others.removeFirst())
        }
        for range in mine + others { all.insert(range) }
        return all
    }

    /// What of `range` is in the set.
    package func intersection(_ range: Range<UInt64>) -> [Range<UInt64>] {
        var parts: [Range<UInt64>] = []
        var index = firstIndex { $0.upperBound > range.lowerBound }
        while index < ranges.count, ranges[index].lowerBound < range.upperBound {
            parts.append(ranges[index].clamped(to: range))
            index += 1
        }
        return parts
    }

    package func intersects(_ range: Range<UInt64>) -> Bool {
        guard let next = next(after: range.lowerBound) else { return false }
        return next.lowerBound < range.upperBound && !range.isEmpty
    }

    /// The first range that reaches beyond `offset`: it covers that, or begins after it.
    package func next(after offset: UInt64) -> Range<UInt64>? {
        let index = firstIndex { $0.upperBound > offset }
        return index < ranges.count ? ranges[index] : nil
    }

    /// Where the first range begins for which `predicate` holds, which holds for all after it.
    private func firstIndex(where predicate: (Range<UInt64>) -> Bool) -> Int {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if predicate(ranges[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

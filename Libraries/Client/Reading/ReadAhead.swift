/// Recognises reading in order and says how far to fetch ahead. Pure.
package struct ReadAhead {
    /// Reads of one stream may overtake each other by so much, as a kernel sends several at once.
    private static let slackBytes: UInt64 = 2 << 20
    private static let firstWindowBytes = 512 << 10

    /// Reads in order so far; -1 before the first.
    private var streak = -1
    /// Where reading in order has come to.
    package private(set) var end: UInt64 = 0
    private var prefetchedEnd: UInt64 = 0

    package init() {}

    /// Whether the file is being read in order.
    package var isActive: Bool { streak > 0 }

    package mutating func note(_ range: Range<UInt64>) {
        let isNear =
            range.lowerBound <= end + Self.slackBytes / 8 && range.lowerBound + Self.slackBytes >= end
            && range.upperBound + Self.slackBytes >= end
        if isNear, range.upperBound > end || streak > 0 {
            streak = min(streak + (range.upperBound > end ? 1 : 0), 30)
            end = max(end, range.upperBound)
        } else {
            streak = 0
            end = range.upperBound
            prefetchedEnd = 0
        }
    }

    /// What to fetch now, beyond what was read and what was fetched ahead before. nil when it is not worth while yet.
    package mutating func takePrefetch(end fileEnd: UInt64, limit: Int) -> Range<UInt64>? {
        guard isActive else { return nil }
        let window = min(limit, Self.firstWindowBytes << min(streak - 1, 20))
        let start = max(end, prefetchedEnd)
        let target = min(end + UInt64(max(0, window)), fileEnd)
        // In good portions, so that requests are large.
        guard target > start, target - start >= UInt64(window / 8) || target == fileEnd else { return nil }
        prefetchedEnd = target
        return start..<target
    }
}

/// Spreads bytes evenly over time. The caller passes the time.
public struct ByteRate: Sendable {
    /// Time that was not used adds up to so much at most.
    private static let burstNanoseconds: UInt64 = 100_000_000

    private let bytesPerSecond: UInt64
    /// When the bytes let through so far are paid for.
    private var paid: UInt64 = 0

    /// - Parameter bytesPerSecond: 0: no limit.
    public init(bytesPerSecond: UInt64) {
        self.bytesPerSecond = bytesPerSecond
    }

    /// How long to wait before these bytes may be moved; they count as moved from now on.
    public mutating func pause(before bytes: UInt64, now: UInt64) -> UInt64 {
        guard bytesPerSecond > 0 else { return 0 }
        let begin = max(paid, now &- min(now, Self.burstNanoseconds))
        let (high, low) = bytes.multipliedFullWidth(by: 1_000_000_000)
        // No block is so large that this is reached; a rate of a few bytes per second just waits long.
        let cost = high < bytesPerSecond ? bytesPerSecond.dividingFullWidth((high, low)).quotient : .max / 4
        paid = begin &+ min(cost, .max / 4)
        return begin > now ? begin - now : 0
    }
}

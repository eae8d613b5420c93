/// When a request without an answer is sent again, and when it is given up (services.md C.1).
public struct RetryTiming: Hashable, Sendable {
    /// Wait before the first repetition.
    public var initialNanoseconds: UInt64
    /// Longest wait between two repetitions.
    public var longestNanoseconds: UInt64
    /// After so long the request fails; 0 = never.
    public var overallNanoseconds: UInt64

    public init(initialNanoseconds: UInt64, longestNanoseconds: UInt64, overallNanoseconds: UInt64) {
        self.initialNanoseconds = initialNanoseconds
        self.longestNanoseconds = longestNanoseconds
        self.overallNanoseconds = overallNanoseconds
    }

    /// First after 100 ms, then up to 2 s apart, for 10 s.
    public static let shard = RetryTiming(
        initialNanoseconds: 100_000_000, longestNanoseconds: 2_000_000_000, overallNanoseconds: 10_000_000_000)

    /// First after 300 ms, then up to 3 s apart, for 60 s. Copies of a request that is under way cost next to nothing,
    /// and a coordinator that has gone is replaced within a second.
    public static let cdc = RetryTiming(
        initialNanoseconds: 300_000_000, longestNanoseconds: 3_000_000_000, overallNanoseconds: 60_000_000_000)

    /// How long to wait for an answer, or nil when the request is to be given up.
    /// - Parameters:
    ///   - elapsedNanoseconds: since the first attempt.
    ///   - jitter: uniform in 0..<1; varies the growth of 1.5 by five per cent up and down, so that many clients spread
    ///     out.
    public func wait(elapsedNanoseconds: UInt64, jitter: Double) -> UInt64? {
        guard overallNanoseconds == 0 || elapsedNanoseconds < overallNanoseconds else { return nil }
        let growth = 1.5 * (0.95 + 0.1 * jitter)
        let grown = Double(initialNanoseconds) + Double(elapsedNanoseconds) * (growth - 1)
        let wait = min(grown, Double(longestNanoseconds))
        guard overallNanoseconds != 0 else { return UInt64(wait) }
        // Do not sleep past the end: the last answer is awaited exactly until then.
        return min(UInt64(wait), overallNanoseconds - elapsedNanoseconds)
    }
}

import Mutations
import Protocol

/// How this machine's wall clock stands to the registry's, by the registry's answers so far. No I/O.
///
/// What the registry's clock says at any moment follows from an answer and the monotonic time since, so a wall clock
/// that jumps shows at once, without a question.
public struct ClockComparison: Sendable {
    /// Clocks that are further apart than this, in nanoseconds, do not agree: far less than the five minutes that block
    /// services allow a write, far more than clocks that are kept right differ.
    public static let toleranceNanoseconds: UInt64 = 60_000_000_000
    /// An answer that took longer, in nanoseconds, says too little.
    private static let longestRoundTrip: UInt64 = 10_000_000_000

    /// The registry's clock less the monotonic one, and by how much that may be wrong.
    private var known: (difference: Int128, uncertainty: Int128)?

    public init() {}

    /// Whether the registry has ever told its time.
    public var isKnown: Bool { known != nil }

    /// The registry answered `time` at some moment between the two monotonic times.
    public mutating func learn(_ time: Timestamp, sent: UInt64, received: UInt64) {
        guard received >= sent, received - sent <= Self.longestRoundTrip else { return }
        let half = Int128(received - sent) / 2
        known = (Int128(time.nanoseconds) - Int128(sent) - half, half)
    }

    /// Whether such an answer cannot follow from what was learnt before: the registry's clock was set meanwhile.
    public func contradicts(_ time: Timestamp, sent: UInt64, received: UInt64) -> Bool {
        guard received >= sent, received - sent <= Self.longestRoundTrip else { return false }
        let deviation = deviation(of: time, at: sent + (received - sent) / 2).magnitude
        return deviation > Self.toleranceNanoseconds + (received - sent) / 2
    }

    /// By how much `wall`, read at `monotonic`, is ahead of the registry's clock for sure, in nanoseconds; negative if
    /// it is behind, 0 if they may be equal or nothing is known.
    public func deviation(of wall: Timestamp, at monotonic: UInt64) -> Int64 {
        guard let known else { return 0 }
        let apparent = Int128(wall.nanoseconds) - Int128(monotonic) - known.difference
        let certain = max(Int128(apparent.magnitude) - known.uncertainty, 0)
        return Int64(clamping: apparent < 0 ? -certain : certain)
    }

    /// Whether the clocks agree as far as is known.
    public func agrees(with wall: Timestamp, at monotonic: UInt64) -> Bool {
        deviation(of: wall, at: monotonic).magnitude <= Self.toleranceNanoseconds || Mutation.clockIsBelieved.isPlanted
    }
}

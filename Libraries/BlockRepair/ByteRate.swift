import Synchronization

/// Spreads bytes over time. Pure but for remembering; the caller passes the time and does the waiting. Thread-safe.
package final class ByteRate: Sendable {
    /// Time that was not used adds up to this much.
    private static let burstNanoseconds: UInt64 = 200_000_000

    private let bytesPerSecond: UInt64
    private let next = Mutex<UInt64>(0)

    /// - Parameter bytesPerSecond: 0 = no limit.
    package init(bytesPerSecond: UInt64) {
        self.bytesPerSecond = bytesPerSecond
    }

    /// How long to wait before `bytes` more may go; they count as gone.
    package func pause(for bytes: Int, now: UInt64) -> UInt64 {
        guard bytesPerSecond > 0 else { return 0 }
        let share = Double(bytes) * 1e9 / Double(bytesPerSecond)
        return next.withLock { next in
            let start = max(next, now &- min(now, Self.burstNanoseconds))
            next = start &+ UInt64(min(share, 1e18))
            return start > now ? start - now : 0
        }
    }
}

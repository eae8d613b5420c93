import EventLoop

/// Lets at most so many through a second, evenly, so that maintenance leaves room for users.
public actor Pacer {
    /// Turns that were not taken add up to this much time, so that a short burst need not wait.
    private static let burstNanoseconds: UInt64 = 20_000_000

    private let loop: any Loop
    private let intervalNanoseconds: UInt64
    private var next: UInt64 = 0

    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// - Parameter perSecond: at least 1.
    public init(loop: any Loop, perSecond: UInt32) {
        self.loop = loop
        intervalNanoseconds = 1_000_000_000 / UInt64(max(perSecond, 1))
    }

    /// Returns when the caller may go on.
    public func turn() async {
        let now = loop.monotonicNanoseconds
        next = max(next, now &- min(now, Self.burstNanoseconds)) &+ intervalNanoseconds
        guard next > now else { return }
        await loop.sleep(nanoseconds: next - now)
    }
}

/// When a process asks the registry for its time: every half minute, and at each look while the clocks do not agree or
/// nothing is known. The caller passes the time, monotonic nanoseconds.
package struct ClockRhythm {
    /// Pause between two looks whether it is time to ask.
    package static let lookNanoseconds: UInt64 = 1_000_000_000
    /// How long an answer may take.
    package static let timeoutNanoseconds: UInt64 = 5_000_000_000
    private static let askNanoseconds: UInt64 = 30_000_000_000

    private var nextQuestion: UInt64 = 0

    package init() {}

    package func isDue(_ clock: ClusterClock, at now: UInt64) -> Bool { isPressing(clock) || now >= nextQuestion }

    /// Until a look can bring a question if the clock stays as it is.
    package func pause(_ clock: ClusterClock, at now: UInt64) -> UInt64 {
        isPressing(clock) || nextQuestion <= now ? Self.lookNanoseconds : nextQuestion - now
    }

    package mutating func asked(at now: UInt64) { rest(until: now &+ Self.askNanoseconds) }

    /// There is no sense in asking before that time, unless something presses.
    package mutating func rest(until time: UInt64) { nextQuestion = time }

    private func isPressing(_ clock: ClusterClock) -> Bool { clock.isWrong || clock.isUnknown }
}

import EventLoop
import Mutations
import Protocol
import Synchronization

/// The wall clock of a process that must not act on a wrong one: believed only while it agrees with the registry's, or
/// where the registry tells no time; before the registry has said anything it is not. Thread-safe; a `ClockWatch` keeps
/// it informed.
public final class ClusterClock: Sendable {
    /// What the registry has said.
    enum Knowledge: Sendable {
        /// Nothing yet.
        case none
        /// That it tells no time: the clock here is all there is.
        case nothingToCompare
        case comparison(ClockComparison)
    }

    private let knowledge = Mutex(Knowledge.none)
    /// When the registry's time was last found to have been set, by the monotonic clock.
    private let lastJump = Mutex<UInt64?>(nil)
    private let read: @Sendable () -> (wall: UInt64, monotonic: UInt64)

    public convenience init(loop: any Loop) {
        // A clock that stands still while the machine sleeps would find the registry's set whenever it wakes up.
        self.init { (loop.wallClock(), loop.bootNanoseconds) }
    }

    /// For tests, which have clocks of their own.
    package init(read: @escaping @Sendable () -> (wall: UInt64, monotonic: UInt64)) {
        self.read = read
    }

    /// The wall clock's time, nil while it is not to be believed.
    public var now: Timestamp? {
        let (wall, monotonic) = read()
        let time = Timestamp(nanoseconds: wall)
        let isRight =
            switch knowledge.withLock({ $0 }) {
            case .none: Mutation.firstAnswerIsNotAwaited.isPlanted
            case .nothingToCompare: true
            case .comparison(let comparison): comparison.agrees(with: time, at: monotonic)
            }
        return isRight ? time : nil
    }

    /// Seconds by which the wall clock is ahead of the registry's for sure; negative if behind, 0 if not known.
    public var deviationSeconds: Int64 {
        let (wall, monotonic) = read()
        guard case .comparison(let comparison) = knowledge.withLock({ $0 }) else { return 0 }
        return comparison.deviation(of: Timestamp(nanoseconds: wall), at: monotonic) / 1_000_000_000
    }

    /// Whether the registry has not said yet how late it is, or that it does not tell.
    package var isUnknown: Bool {
        if case .none = knowledge.withLock({ $0 }) { true } else { false }
    }

    /// Whether the wall clock does not agree with the registry's.
    package var isWrong: Bool {
        let (wall, monotonic) = read()
        guard case .comparison(let comparison) = knowledge.withLock({ $0 }) else { return false }
        return !comparison.agrees(with: Timestamp(nanoseconds: wall), at: monotonic)
    }

    /// Whether the registry's time was set, forwards or back, less than so long ago.
    public func wasSet(withinNanoseconds nanoseconds: UInt64) -> Bool {
        let now = read().monotonic
        return lastJump.withLock { $0.map { now &- $0 < nanoseconds } ?? false }
    }

    /// The registry answered its time; `sent` is the monotonic time of the question.
    package func learn(_ time: Timestamp, sent: UInt64) {
        let received = read().monotonic
        knowledge.withLock { knowledge in
            var comparison = ClockComparison()
            if case .comparison(let earlier) = knowledge { comparison = earlier }
            if comparison.contradicts(time, sent: sent, received: received), !Mutation.setClocksAreTrusted.isPlanted {
                lastJump.withLock { $0 = received }
            }
            comparison.learn(time, sent: sent, received: received)
            if comparison.isKnown { knowledge = .comparison(comparison) }
        }
    }

    /// The registry tells no time. What an earlier one said does not count any more.
    package func learnNothing() {
        knowledge.withLock { $0 = .nothingToCompare }
    }

    package var monotonicNanoseconds: UInt64 { read().monotonic }
}

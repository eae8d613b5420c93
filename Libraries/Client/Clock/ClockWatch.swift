import EventLoop
import Protocol

/// Asks the registry for its time, every half minute and every second while the clocks do not agree or nothing is known,
/// for a `ClusterClock`.
public actor ClockWatch {
    /// What an operator should know.
    public struct News: Sendable {
        /// Whether something has to be done about it; otherwise it is over.
        public let isWrong: Bool
        public let sentence: String
    }

    private static let lookNanoseconds: UInt64 = 1_000_000_000
    private static let askNanoseconds: UInt64 = 30_000_000_000
    /// Until a registry that knows no CLOCK is asked again, which may have been replaced by then: twice as long each
    /// time, as the question is an error to it.
    private static let basePauseNanoseconds: UInt64 = 600_000_000_000
    private static let longestBasePauseNanoseconds: UInt64 = 86_400_000_000_000
    private static let timeoutNanoseconds: UInt64 = 5_000_000_000

    private let loop: EventLoop
    private let clock: ClusterClock
    /// Used for nothing else, so that no question waits behind another.
    private let connection: RegistryConnection
    private let tell: @Sendable (News) -> Void
    private var nextQuestion: UInt64 = 0
    private var hasClock: Bool?
    private var basePause = basePauseNanoseconds
    private var told = Opinion.right
    /// When the watch began.
    private let begin: UInt64

    /// What operators were told last.
    private enum Opinion { case right, wrong, unknown }

    /// An answer may take as long before anybody is told that there is none.
    private static let firstAnswerNanoseconds: UInt64 = 10_000_000_000

    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// Make it on the loop's thread.
    /// - Parameter tell: called on the loop.
    public init(
        _ clock: ClusterClock, loop: EventLoop, registries: [SocketAddress], tell: @escaping @Sendable (News) -> Void
    ) {
        self.clock = clock
        self.loop = loop
        self.tell = tell
        connection = RegistryConnection(on: loop, addresses: registries)
        begin = clock.monotonicNanoseconds
    }

    /// Watches until its task is cancelled.
    /// - Parameter isBaseProtocolOnly: the registry knows no CLOCK and is not to be asked.
    public func run(isBaseProtocolOnly: Bool = false) async {
        guard !isBaseProtocolOnly else { return clock.learnNothing() }
        while !Task.isCancelled {
            let isPressing = clock.isWrong || clock.isUnknown
            if isPressing || clock.monotonicNanoseconds >= nextQuestion { await ask() }
            report()
            await loop.sleep(nanoseconds: Self.lookNanoseconds)
        }
    }

    /// Fails what is under way; `run` ends with its task.
    public func close() {
        connection.close()
    }

    private func ask() async {
        nextQuestion = clock.monotonicNanoseconds &+ Self.askNanoseconds
        if hasClock != true {
            let extensions = await withCheckedContinuation { continuation in
                connection.extensions { continuation.resume(returning: try? $0.get()) }
            }
            guard let extensions else { return }
            hasClock = extensions.contains(.registryClock)
        }
        guard hasClock == true else {
            nextQuestion = clock.monotonicNanoseconds &+ basePause
            basePause = min(2 * basePause, Self.longestBasePauseNanoseconds)
            return clock.learnNothing()
        }
        let sent = clock.monotonicNanoseconds
        do throws(RegistryCallError) {
            let answer = try await connection.call(ClockRequest(), timeoutNanoseconds: Self.timeoutNanoseconds)
            clock.learn(answer.time, sent: sent)
        } catch {
            // Perhaps another registry answers now, which has no clock.
            hasClock = nil
        }
    }

    private func report() {
        let opinion = opinion
        guard opinion != told else { return }
        let before = told
        told = opinion
        switch opinion {
        case .wrong:
            let seconds = clock.deviationSeconds
            let way = "\(seconds.magnitude) s \(seconds > 0 ? "ahead of" : "behind")"
            let sentence = "the clock is \(way) the registry's: nothing is changed until the two agree"
            tell(News(isWrong: true, sentence: sentence))
        case .unknown:
            tell(News(isWrong: true, sentence: "the registry does not tell its time: nothing is changed until it does"))
        case .right:
            let sentence =
                before == .unknown ? "the registry has answered" : "the clock agrees with the registry's again"
            tell(News(isWrong: false, sentence: sentence))
        }
    }

    private var opinion: Opinion {
        if clock.isWrong { return .wrong }
        guard clock.isUnknown, clock.monotonicNanoseconds &- begin >= Self.firstAnswerNanoseconds else { return .right }
        return .unknown
    }
}

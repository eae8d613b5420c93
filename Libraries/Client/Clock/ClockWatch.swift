import EventLoop
import Protocol

/// Asks the registry for its time, for a `ClusterClock`; how often, `ClockRhythm` says.
public actor ClockWatch {
    /// What an operator should know.
    public struct News: Sendable {
        /// Whether something has to be done about it; otherwise it is over.
        public let isWrong: Bool
        public let sentence: String
    }

    /// Until a registry that knows no CLOCK is asked again, which may have been replaced by then: twice as long each
    /// time, as the question is an error to it.
    private static let basePauseNanoseconds: UInt64 = 600_000_000_000
    private static let longestBasePauseNanoseconds: UInt64 = 86_400_000_000_000

    private let loop: any Loop
    private let clock: ClusterClock
    /// Used for nothing else, so that no question waits behind another.
    private let connection: RegistryConnection
    private let tell: @Sendable (News) -> Void
    private var rhythm = ClockRhythm()
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
        _ clock: ClusterClock, loop: any Loop, registries: [SocketAddress], tell: @escaping @Sendable (News) -> Void
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
            if rhythm.isDue(clock, at: clock.monotonicNanoseconds) { await ask() }
            report()
            await loop.sleep(nanoseconds: ClockRhythm.lookNanoseconds)
        }
    }

    /// Fails what is under way; `run` ends with its task.
    public func close() {
        connection.close()
    }

    private func ask() async {
        rhythm.asked(at: clock.monotonicNanoseconds)
        if hasClock != true {
            let extensions = await withCheckedContinuation { continuation in
                connection.extensions { continuation.resume(returning: try? $0.get()) }
            }
            guard let extensions else { return }
            hasClock = extensions.contains(.registryClock)
        }
        guard hasClock == true else {
            rhythm.rest(until: clock.monotonicNanoseconds &+ basePause)
            basePause = min(2 * basePause, Self.longestBasePauseNanoseconds)
            return clock.learnNothing()
        }
        let sent = clock.monotonicNanoseconds
        do throws(RegistryCallError) {
            let answer = try await connection.call(ClockRequest(), timeoutNanoseconds: ClockRhythm.timeoutNanoseconds)
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

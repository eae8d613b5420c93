import EventLoop
import Synchronization

/// The threads of one disk, and what waits for them by kind. Thread-safe.
///
/// Each kind has a share of the starts, so that users come first and nothing waits for ever; checks and erasures have a
/// thread only when the others leave one, so that no user waits behind a long one on every thread. What is offered
/// beyond a kind's limit is refused at once.
package final class DiskQueue: Sendable {
    /// Most urgent first.
    package enum Kind: Int, CaseIterable, Sendable {
        case fetch, write, check, erase

        /// Starts while all kinds have something waiting.
        var share: UInt64 {
            switch self {
            case .fetch: 16
            case .write: 8
            case .check: 2
            case .erase: 1
            }
        }

        /// How many may be at work at the same time.
        func concurrency(of threads: Int) -> Int {
            switch self {
            case .fetch: threads
            case .write: max(1, threads - 1)
            case .check: max(1, threads / 4)
            // One to lead a batch of small blocks, one to bring it more.
            case .erase: max(1, threads / 2)
            }
        }
    }

    private struct Line {
        var waiting: [@Sendable () -> Void] = []
        var head = 0
        var running = 0
        /// Grows with every start, more slowly for a larger share: the line that is least far has its turn.
        var pass: UInt64 = 0

        var count: Int { waiting.count - head }

        mutating func removeFirst() -> @Sendable () -> Void {
            let work = waiting[head]
            head += 1
            if head == waiting.count || head > 256 {
                waiting.removeFirst(head)
                head = 0
            }
            return work
        }
    }

    private struct State {
        var lines = Kind.allCases.map { _ in Line() }
        /// Pass of the last start.
        var pass: UInt64 = 0
        /// Threads' turns that found only kinds which had all the threads they may have.
        var passedTurns = 0
    }

    private let threads: WorkQueue
    private let threadCount: Int
    private let limit: Int
    private let state = Mutex(State())

    /// Divisible by all shares.
    private static let stride: UInt64 = 16

    /// `limit` is how many of one kind may wait.
    package init(name: String, threads: Int, limit: Int) {
        self.threads = WorkQueue(name: name, threads: threads)
        threadCount = threads
        self.limit = limit
    }

    /// Runs `work` when it is its turn; false when too much of its kind waits already.
    package func offer(_ kind: Kind, _ work: @escaping @Sendable () -> Void) -> Bool {
        add(kind, limit: limit, work)
    }

    /// Runs `work` when it is its turn, however much waits: for what has begun already.
    package func run(_ kind: Kind, _ work: @escaping @Sendable () -> Void) {
        _ = add(kind, limit: .max, work)
    }

    /// Asks the disk about itself and then calls `then` on the loop. Call it on the loop.
    func run<T>(
        on loop: EventLoop, _ body: @escaping @Sendable () throws -> T,
        then: @escaping (Result<T, any Error>) -> Void
    ) {
        threads.run(on: loop, body, then: then)
    }

    /// How many of a kind wait.
    package func waiting(_ kind: Kind) -> Int { state.withLock { $0.lines[kind.rawValue].count } }

    /// Lets the threads end once what waits is done.
    package func close() { threads.close() }

    private func add(_ kind: Kind, limit: Int, _ work: @escaping @Sendable () -> Void) -> Bool {
        let isTaken = state.withLock { state in
            guard state.lines[kind.rawValue].count < limit else { return false }
            if state.lines[kind.rawValue].count == 0 {
                // No credit for having been away.
                state.lines[kind.rawValue].pass = max(state.lines[kind.rawValue].pass, state.pass)
            }
            state.lines[kind.rawValue].waiting.append(work)
            return true
        }
        if isTaken { threads.run { [self] in takeTurn() } }
        return isTaken
    }

    /// One turn of a thread for each work that was added, whichever it then does.
    private func takeTurn() {
        guard var (kind, work) = state.withLock({ start(&$0, isNewTurn: true) }) else { return }
        while true {
            work()
            let next = state.withLock { state -> (Kind, @Sendable () -> Void)? in
                state.lines[kind.rawValue].running -= 1
                return state.passedTurns > 0 ? start(&state, isNewTurn: false) : nil
            }
            guard let next else { return }
            (kind, work) = next
        }
    }

    private func start(_ state: inout State, isNewTurn: Bool) -> (Kind, @Sendable () -> Void)? {
        let ready = Kind.allCases.filter { kind in
            let line = state.lines[kind.rawValue]
            return line.count > 0 && line.running < kind.concurrency(of: threadCount)
        }
        guard let kind = ready.min(by: { state.lines[$0.rawValue].pass < state.lines[$1.rawValue].pass }) else {
            if isNewTurn { state.passedTurns += 1 }
            return nil
        }
        if !isNewTurn { state.passedTurns -= 1 }
        // Never back: a line whose turn came late (it has few threads) must not give credit to who comes next.
        state.pass = max(state.pass, state.lines[kind.rawValue].pass)
        state.lines[kind.rawValue].pass += Self.stride / kind.share
        state.lines[kind.rawValue].running += 1
        return (kind, state.lines[kind.rawValue].removeFirst())
    }
}

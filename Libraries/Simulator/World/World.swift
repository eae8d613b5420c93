import Protocol

/// Time, chance and the record of what happens: what everything in one simulated run shares.
///
/// `@unchecked Sendable`: confined to the thread that calls `run`; the tasks of its loops run there, too.
final class World: @unchecked Sendable {
    /// Virtual nanoseconds since the run began. Every monotonic clock shows this.
    private(set) var now: UInt64 = 0
    var random: SeededRandom
    let trace: Trace
    var faults = FaultCounts()
    /// What was found wrong, in the order in which it was found.
    private(set) var findings: [String] = []
    private(set) var eventCount: UInt64 = 0

    let executor = VirtualExecutor()
    private var queue = EventQueue()

    /// The wall clock's time when a run begins, on a machine whose clock is right.
    static let epoch: UInt64 = 1_700_000_000_000_000_000

    init(seed: UInt64, tracedEvents: Int) {
        random = SeededRandom(seed: seed)
        trace = Trace(capacity: tracedEvents)
    }

    /// Lets `body` happen after `delay` nanoseconds.
    func after(_ delay: UInt64, _ body: @escaping () -> Void) {
        queue.add(at: now &+ delay, body)
    }

    /// Lets `body` happen again and again, each time after a pause drawn from `pause`, until it returns false.
    func every(_ pause: ClosedRange<UInt64>, _ body: @escaping () -> Bool) {
        after(UInt64.random(in: pause, using: &random)) { [unowned self] in
            if body() { every(pause, body) }
        }
    }

    func sleep(_ nanoseconds: UInt64) async {
        await withUnsafeContinuation { continuation in
            after(nanoseconds) { continuation.resume() }
        }
    }

    /// Lets time pass until `end`, or until `isDone` or something is found.
    func run(until end: UInt64, isDone: () -> Bool = { false }) {
        executor.drain()
        while findings.isEmpty, !isDone(), let time = queue.nextTime, time <= end, let event = queue.take() {
            now = time
            eventCount += 1
            event()
            executor.drain()
        }
        if findings.isEmpty && !isDone() { now = max(now, end) }
    }

    /// Nothing happens any more: what was to happen holds much of the run.
    func end() { queue = EventQueue() }

    /// Something is not as it must be: the run ends here.
    func find(_ text: String) {
        findings.append(text)
        trace.record(at: now, .finding(text))
    }

    func note(_ text: @autoclosure () -> String) {
        if trace.isEnabled { trace.record(at: now, .note(text())) }
    }
}

import Consensus

/// One run: a group of replicas on machines that fail, its clients and its operator; and the judge who looks at every
/// step.
///
/// Everything follows from the seed. Confined to one thread at a time.
public final class World {
    var now: UInt64 = 0
    var chance: SeededChance
    let plan: Plan
    var queue = EventQueue()
    var network = Network()
    let judge = Judge()
    var report = Report()
    /// By slot.
    var nodes = [Node?](repeating: nil, count: ReplicaSlot.count)
    /// Whether there is trouble now.
    var isTroubled = true
    /// Until when they want nothing now.
    var lullEnd: UInt64 = 0
    /// Until when nothing else breaks, so that what was aimed can hit.
    var aimEnd: UInt64 = 0
    /// Until when clients want something.
    var clientsEnd = UInt64.max
    var lastIncarnation: UInt64 = 0
    private var lastLife: UInt32 = 0
    var lastCommand: UInt64 = 0
    var scratch: [Effect] = []
    var preferred: ReplicaSlot?
    /// Earlier contents of disks, to be brought back.
    var backups = [DiskImage?](repeating: nil, count: ReplicaSlot.count)

    private var trace: [String] = []
    private let tracedEvents: Int

    /// How long, true nanoseconds, after the trouble clients go on; in this time the group has to serve them again.
    static let healing = 5 * Plan.second
    /// How long it may take then until nothing is under way.
    static let resting = 10 * Plan.second

    /// - Parameter tracedEvents: how many of the last events to keep for the report; they cost time.
    public init(seed: UInt64, tracedEvents: Int = 0) {
        chance = SeededChance(seed: seed)
        plan = Plan(&chance)
        self.tracedEvents = tracedEvents
    }

    /// Carries the run out; it ends at the first thing found wrong.
    public func run() -> Report {
        bear()
        queue.add(at: plan.clientPause, .client)
        queue.add(at: plan.tendPause, .tend)
        queue.add(at: plan.faultPause, .fault)
        run(until: plan.duration)
        heal()
        let before = judge.lastFinal
        run(until: clientsEnd)
        judge.require(judge.lastFinal > before, "servesAfterHealing", whatIsUnderWay)
        run(until: now + Self.resting) { [unowned self] in isAtRest }
        judge.require(isAtRest, "comesToRest", whatIsUnderWay)
        checkAgreement()
        report.finding = judge.finding
        report.committed = judge.committed.count
        report.digest = judge.digest &* 31 &+ report.steps
        report.trace = trace
        return report
    }

    /// The group's birth, with one voter.
    private func bear() {
        let slot = ReplicaSlot.all[chance.below(ReplicaSlot.count)]
        let member = Member(slot: slot, incarnation: nextIncarnation())
        let stored = StoredState.born(member)
        add(member, stored, DiskImage(stored))
        if plan.hasPreference { preferred = chance.pick(ReplicaSlot.all) }
    }

    func nextIncarnation() -> Incarnation {
        lastIncarnation += 1
        return Incarnation(rawValue: lastIncarnation)
    }

    func nextLife() -> UInt32 {
        lastLife += 1
        return lastLife
    }

    private func run(until end: UInt64, isDone: () -> Bool = { false }) {
        var looks = 0
        while judge.finding == nil, let time = queue.nextTime, time <= end {
            looks += 1
            if looks & 63 == 0, isDone() { return }
            guard let event = queue.take() else { return }
            now = time
            happen(event)
        }
        if judge.finding == nil { now = max(now, end) }
    }

    private func happen(_ event: Event) {
        switch event.kind {
        case .client: actAsClient()
        case .tend: tend()
        case .fault: breakSomething()
        default:
            guard let node = nodes[Int(event.slot)] else { return }
            guard event.life == 0 || event.life == node.life else { return }
            happen(event.kind, at: node)
        }
    }

    func note(_ text: @autoclosure () -> String) {
        guard tracedEvents > 0 else { return }
        if trace.count >= tracedEvents { trace.removeFirst(tracedEvents / 2) }
        trace.append("\(now / 1000) µs  \(text())")
    }

    /// A time around `mean`.
    func around(_ mean: UInt64) -> UInt64 { mean / 2 + chance.below(mean + 1) }
}

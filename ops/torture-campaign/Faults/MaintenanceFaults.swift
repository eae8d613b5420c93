import Foundation

/// Kills what looks after the cluster every now and then; it is started again.
struct MaintenanceFaults {
    private let plan: FaultPlan
    private var random: SeededRandom
    private var next: Double

    init(_ plan: FaultPlan, seed: UInt64) {
        self.plan = plan
        random = SeededRandom(seed: seed)
        next = monotonicSeconds() + 20
    }

    /// Does what is due.
    mutating func tick() {
        guard monotonicSeconds() > next else { return }
        next = monotonicSeconds() + Double.random(in: 20..<120, using: &random)
        if random.chance(0.5) {
            plan.ledger.note("kill gc")
            if plan.maintenance.killCollector() { plan.counters.add("processes killed: gc") }
        } else {
            plan.ledger.note("kill relayout")
            do {
                if try plan.maintenance.killRelayout() { plan.counters.add("processes killed: relayout") }
            } catch {
                plan.findings.add("defragmentation could not be started again: \(error)")
            }
        }
    }
}

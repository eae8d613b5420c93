import Foundation

/// Kills mounts while they are in use. What their users were doing fails; what they had finished must be there.
struct MountFaults {
    private let plan: FaultPlan
    private var random: SeededRandom
    private var next: Double

    init(_ plan: FaultPlan, seed: UInt64) {
        self.plan = plan
        random = SeededRandom(seed: seed)
        next = monotonicSeconds() + 15
    }

    /// Does what is due.
    mutating func tick() {
        guard monotonicSeconds() > next else { return }
        next = monotonicSeconds() + Double.random(in: 15..<75, using: &random)
        let number = Int.random(in: 0..<plan.mounts.count, using: &random)
        plan.ledger.note("kill mount \(number)")
        plan.counters.add("processes killed: mount")
        do {
            try plan.mounts.replace(number)
        } catch {
            plan.findings.add("mount \(number) could not be mounted again: \(error)")
            next = .infinity
        }
    }
}

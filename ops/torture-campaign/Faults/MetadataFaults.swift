import Foundation

/// Kills the services that keep metadata, one at a time; nobody who calls may notice more than that it takes longer.
struct MetadataFaults {
    private let plan: FaultPlan
    private var random: SeededRandom
    private var next: Double
    /// The last one, until it serves again.
    private var killed: (service: String, pid: pid_t, since: Double)?

    /// Until a service that was killed must serve again.
    private static let restartSeconds = 60.0

    init(_ plan: FaultPlan, seed: UInt64) {
        self.plan = plan
        random = SeededRandom(seed: seed)
        next = monotonicSeconds() + 12
    }

    /// Whether all of them run.
    var isQuiet: Bool { killed == nil }

    /// Does what is due.
    mutating func tick() {
        let now = monotonicSeconds()
        if let (service, pid, since) = killed {
            if let new = plan.cluster.pid(of: service), new != pid {
                killed = nil
                next = now + Double.random(in: 10..<60, using: &random)
            } else if now - since > Self.restartSeconds {
                plan.findings.add("\(service) does not serve again \(Int(now - since)) s after it was killed")
                killed = nil
                next = .infinity
            }
            return
        }
        guard now > next else { return }
        let service = ["shard", "shard", "cdc", "registry"].randomElement(using: &random) ?? "shard"
        guard let pid = plan.cluster.pid(of: service) else { return }
        plan.ledger.note("kill \(service)")
        plan.counters.add("processes killed: \(service)")
        kill(pid, SIGKILL)
        killed = (service, pid, now)
    }
}

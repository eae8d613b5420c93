import Foundation

/// Kills the garbage collector every now and then; the supervisor starts it again.
struct CollectorFaults {
    private let cluster: TortureCluster
    private let ledger: Ledger
    private let counters: Counters
    private var random: SeededRandom
    private var next: Double

    init(cluster: TortureCluster, ledger: Ledger, counters: Counters, seed: UInt64) {
        self.cluster = cluster
        self.ledger = ledger
        self.counters = counters
        random = SeededRandom(seed: seed)
        next = monotonicSeconds() + 20
    }

    /// Does what is due.
    mutating func tick() {
        guard monotonicSeconds() > next else { return }
        next = monotonicSeconds() + Double.random(in: 20..<120, using: &random)
        guard let pid = cluster.pid(of: "gc") else { return }
        ledger.note("kill gc")
        counters.add("faults gc killed")
        kill(pid, SIGKILL)
    }
}

import Simulator

/// Sums over many runs.
struct Totals {
    private(set) var seeds = 0
    private(set) var failedSeeds = 0
    private var faults = FaultCounts()
    private var simulatedNanoseconds: UInt64 = 0
    private var troubledNanoseconds: UInt64 = 0
    private var events: UInt64 = 0
    private var succeeded = 0
    private var refused = 0
    /// Of all runs, in order.
    private var digest: UInt64 = 0

    mutating func add(_ report: Report) {
        seeds += 1
        if !report.findings.isEmpty { failedSeeds += 1 }
        faults += report.faults
        simulatedNanoseconds += report.simulatedNanoseconds
        troubledNanoseconds += report.troubledNanoseconds
        events += report.events
        succeeded += report.succeeded
        refused += report.refused
        digest = digest &* 31 &+ report.digest
    }

    /// One line for people and scripts.
    func summary(seconds: Double) -> String {
        let simulated = Double(troubledNanoseconds) / 1e9
        return "seeds \(seeds) failed \(failedSeeds) simulated_s \(Int(simulated)) real_s \(rounded(seconds)) "
            + "speed \(Int(simulated / max(seconds, 0.001))) "
            + "seeds_per_s \(rounded(Double(seeds) / max(seconds, 0.001))) "
            + "events \(events) operations \(succeeded) refused \(refused) faults \(faults.total) "
            + "digest \(String(digest, radix: 16)) (\(faults))"
    }

    private func rounded(_ value: Double) -> String { String((value * 100).rounded() / 100) }
}

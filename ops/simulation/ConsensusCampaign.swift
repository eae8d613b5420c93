import Glibc
import SimulatedConsensus

/// Runs groups of `Consensus` in virtual time, one seed after the other, and sums up.
struct ConsensusCampaign {
    let seeds: Range<UInt64>
    let untilFound: Bool
    /// How many of the last events to print when something is found.
    let events: Int
    /// Print them for every run.
    let isTraced: Bool

    /// Says whether nothing was found.
    func run() -> Bool {
        var (count, failed, steps, committed, reads, elections) = (0, 0, UInt64(0), 0, 0, 0)
        var (faults, digest) = (FaultCounts(), UInt64(0))
        let began = monotonicSeconds()
        for seed in seeds {
            let report = World(seed: seed, tracedEvents: isTraced ? events : 0).run()
            count += 1
            steps += report.steps
            committed += report.committed
            reads += report.reads
            elections += report.elections
            faults += report.counts
            digest = digest &* 31 &+ report.digest
            if report.finding != nil { failed += 1 }
            show(report, of: seed)
            if untilFound && report.finding != nil { break }
        }
        let seconds = max(monotonicSeconds() - began, 0.001)
        print(
            "seeds \(count) failed \(failed) steps \(steps) real_s \((seconds * 100).rounded() / 100) "
                + "steps_per_s \(Int(Double(steps) / seconds)) committed \(committed) reads \(reads) "
                + "elections \(elections) digest \(String(digest, radix: 16)) (\(faults))")
        return failed == 0
    }

    private func show(_ report: Report, of seed: UInt64) {
        var lines = report.trace
        // Once more, the same run, for its events: most runs need none.
        if report.finding != nil && !isTraced && events > 0 {
            lines = World(seed: seed, tracedEvents: events).run().trace
        }
        for line in lines { print(line) }
        if let finding = report.finding { print("seed \(seed): \(finding)") }
    }

    private func monotonicSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

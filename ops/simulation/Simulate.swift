import ArgumentParser
import Glibc
import Simulator

/// Runs simulated clusters, each from a seed, and prints what went wrong.
@main
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sterna-simulate",
        abstract: "Runs whole clusters in virtual time, with lost packets, crashes and wrong clocks.",
        discussion: "The same seed is the same run, on any machine. Exits with 1 when something was found.")

    @Argument(help: "The first seed.")
    var seed: UInt64

    @Option(help: "How many seeds to run, one after the other.")
    var count: UInt64 = 1

    @Option(help: "How many of the last events to print when something is found.")
    var events = 300

    @Flag(help: "Print the events of every run, also of those without a finding.")
    var trace = false

    func run() throws {
        var total = Totals()
        let began = monotonicSeconds()
        for seed in seed..<seed &+ count {
            var report = try Simulation(seed: seed, tracedEvents: trace ? events : 0).run()
            total.add(report)
            if !report.findings.isEmpty || trace {
                // Once more, the same run, for its events: most runs need none.
                if !trace { report = try Simulation(seed: seed, tracedEvents: events).run() }
                for line in report.trace { print(line) }
                for finding in report.findings { print("seed \(seed): \(finding)") }
            }
        }
        print(total.summary(seconds: monotonicSeconds() - began))
        if total.failedSeeds > 0 { throw ExitCode(1) }
    }

    private func monotonicSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

import Simulator
import TestSupport
import Testing

@Suite("Groups of replicas in virtual time")
struct GroupSimulationTests {
    private func run(_ seeds: some Sequence<UInt64>) {
        for seed in seeds {
            let report = GroupSimulation(seed: seed).run()
            #expect(report.findings.isEmpty, "seed \(seed): \(report.findings.first ?? "")")
            #expect(report.succeeded > 100, "seed \(seed): \(report.succeeded) operations were done")
        }
    }

    @Test("A fixed set of seeds", .timeLimit(.minutes(5)))
    func fixedSeeds() { run(1...12) }

    @Test("Seeds that are new each time", .timeLimit(.minutes(5)))
    func newSeeds() { run((0..<12).map { _ in UInt64.random(in: .min ... .max) }) }

    @Test("The same seed is the same run", .timeLimit(.minutes(5)))
    func sameRun() {
        let first = GroupSimulation(seed: 4711).run()
        let second = GroupSimulation(seed: 4711).run()
        #expect(first.digest == second.digest && first.events == second.events)
        #expect(first.faults.total > 0)
    }
}

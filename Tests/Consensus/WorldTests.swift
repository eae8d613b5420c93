import SimulatedConsensus
import Testing

@Suite("Groups whose machines fail, in virtual time")
struct WorldTests {
    private func run(_ seeds: some Sequence<UInt64>) {
        for seed in seeds {
            let report = World(seed: seed).run()
            #expect(report.finding == nil, "seed \(seed): \(report.finding ?? "")")
            #expect(report.committed > 0, "seed \(seed): nothing was done")
        }
    }

    @Test("A fixed set of seeds", .timeLimit(.minutes(5)))
    func fixedSeeds() { run(1...150) }

    @Test("Seeds that are new each time", .timeLimit(.minutes(5)))
    func newSeeds() { run((0..<50).map { _ in UInt64.random(in: .min ... .max) }) }

    @Test("The same seed is the same run")
    func sameRun() {
        let (first, second) = (World(seed: 4711).run(), World(seed: 4711, tracedEvents: 100).run())
        #expect(first.digest == second.digest)
        #expect(first.steps == second.steps)
        #expect(first.trace.isEmpty && !second.trace.isEmpty)
    }
}

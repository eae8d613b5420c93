import Foundation
import Simulator
import TestSupport
import Testing

@Suite("Whole clusters in virtual time")
struct SimulationTests {
    /// Runs seeds one after the other; the first finding of each is a failure.
    private func run(_ seeds: some Sequence<UInt64>) throws {
        for seed in seeds {
            let report = try Simulation(seed: seed).run()
            #expect(report.findings.isEmpty, "seed \(seed): \(report.findings.first ?? "")")
            #expect(report.succeeded > 0, "seed \(seed): nothing was done")
        }
    }

    @Test("A fixed set of seeds", .timeLimit(.minutes(5)))
    func fixedSeeds() throws { try run(1...24) }

    @Test("Seeds that are new each time", .timeLimit(.minutes(5)))
    func newSeeds() throws {
        try run((0..<24).map { _ in UInt64.random(in: .min ... .max) })
    }

    @Test("The same seed is the same run", .timeLimit(.minutes(5)))
    func sameRun() throws {
        let first = try Simulation(seed: 4711).run()
        let second = try Simulation(seed: 4711).run()
        #expect(first.digest == second.digest)
        #expect(first.events == second.events)
        #expect(first.faults.total > 0)
    }

    @Test("Processes that hash differently run a seed alike", .timeLimit(.minutes(5)))
    func sameRunElsewhere() throws {
        let own = try String(Simulation(seed: 4711).run().digest, radix: 16)
        for _ in 0..<2 {
            let summary = try summary(ofSeed: 4711)
            #expect(summary.contains(" digest \(own) "), "\(summary)")
        }
    }

    /// What `sterna-simulate` prints, in a process whose sets and dictionaries have an order of their own.
    private func summary(ofSeed seed: UInt64) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: try builtProgram("sterna-simulate"))
        process.arguments = ["\(seed)"]
        process.environment = [:]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return text
    }
}

import ArgumentParser
import Glibc
import Mutations
import Simulator

/// Runs simulated clusters, each from a seed, and prints what went wrong.
@main
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sterna-simulate",
        abstract: "Runs whole clusters in virtual time, with lost packets, crashes and wrong clocks.",
        discussion: "The same seed is the same run, on any machine. Exits with 1 when something was found.")

    @Argument(help: "The first seed.")
    var seed: UInt64 = 1

    @Option(help: "How many seeds to run, one after the other.")
    var count: UInt64 = 1

    @Option(help: "How many of the last events to print when something is found.")
    var events = 300

    @Flag(help: "Print the events of every run, also of those without a finding.")
    var trace = false

    @Flag(help: "Run groups of replicas by themselves instead, with their logs and connections.")
    var groups = false

    @Flag(help: "Run whole clusters, even if simulations of groups are what a planted defect is meant for.")
    var clusters = false

    @Flag(help: "Run only what decides in such groups, also with a defect of that planted.")
    var consensus = false

    @Flag(help: "Stop at the first seed with a finding.")
    var untilFound = false

    @Option(help: "Plant this defect first; only in a build made with STERNA_MUTATIONS=1.")
    var plant: String?

    @Flag(
        help:
            "List the defects that can be planted; behind those that unit tests find instead of simulations, the suite."
    )
    var mutations = false

    func validate() throws {
        guard count <= .max - seed else { throw ValidationError("There are not that many seeds from \(seed) on.") }
        guard let plant else { return }
        guard Mutation.arePossible else {
            throw ValidationError("This build has no defects to plant; make one with STERNA_MUTATIONS=1.")
        }
        guard Mutation(rawValue: plant) != nil else {
            throw ValidationError("There is no defect \(plant); --mutations lists them.")
        }
    }

    func run() throws {
        if mutations {
            for mutation in Mutation.allCases { print(mutation.rawValue, mutation.unitTests ?? "") }
            return
        }
        plantDefect()
        guard !isOfConsensus else {
            let campaign = ConsensusCampaign(
                seeds: seed..<seed &+ count, untilFound: untilFound, events: events, isTraced: trace)
            if !campaign.run() { throw ExitCode(1) }
            return
        }
        var total = Totals()
        let began = monotonicSeconds()
        for seed in seed..<seed &+ count {
            var report = try simulate(seed, tracedEvents: trace ? events : 0)
            total.add(report)
            if !report.findings.isEmpty || trace {
                // Once more, the same run, for its events: most runs need none.
                if !trace { report = try simulate(seed, tracedEvents: events) }
                for line in report.trace { print(line) }
                for finding in report.findings { print("seed \(seed): \(finding)") }
            }
            if untilFound && !report.findings.isEmpty { break }
        }
        print(total.summary(seconds: monotonicSeconds() - began))
        if total.failedSeeds > 0 { throw ExitCode(1) }
    }

    private func simulate(_ seed: UInt64, tracedEvents: Int) throws -> Report {
        guard groups || !clusters && planted?.isInReplicas ?? false else {
            return try Simulation(seed: seed, tracedEvents: tracedEvents).run()
        }
        return GroupSimulation(seed: seed, tracedEvents: tracedEvents).run()
    }

    private var isOfConsensus: Bool {
        consensus || !clusters && planted?.isInConsensus ?? false
    }

    private var planted: Mutation? { plant.flatMap(Mutation.init(rawValue:)) }

    private func plantDefect() {
        #if STERNA_MUTATIONS
            Mutation.planted = planted
        #endif
    }

    private func monotonicSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

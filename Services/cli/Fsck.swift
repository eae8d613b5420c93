import ArgumentParser
import ConsistencyCheck
import Daemon

/// `sterna fsck`: whether the metadata of a cluster agrees with itself.
struct Fsck: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check that the metadata of a cluster agrees with itself.",
        discussion: """
            Give the directory of a stopped cluster (what `sterna up` was given) or the registry of a running one. Nothing is \
            changed. A stopped cluster is checked completely, with what its logs would still add; of a running one, whatever \
            the protocol shows. There, everything suspicious is read again after a pause and reported only if it stays.

            Each finding is one line: rule, place, what is wrong, what repairs it.
            Exit status: 0 nothing is wrong, 1 findings, 2 could not check.
            """)

    @Argument(help: "Directory of a stopped cluster.")
    var directory: String?

    @Option(help: .init("Check the running cluster that this registry belongs to.", valueName: "host:port"))
    var registry: EndpointList?

    @OptionGroup var key: ClientKeyOptions

    @Option(help: "Requests per second to a running cluster, at most.")
    var rate: UInt32 = 1000

    @Flag(help: "Also look for every block on its disk (running clusters: the block services read every block again).")
    var blocks = false

    @Flag(help: "Print one JSON object per line: the findings, then a summary.")
    var json = false

    @Flag(help: "Say on standard error how far the check is, even when that is not a terminal.")
    var progress = false

    func validate() throws {
        guard (directory == nil) != (registry == nil) else {
            throw ValidationError("give either the directory of a stopped cluster or the --registry of a running one")
        }
        guard rate > 0 else { throw ValidationError("--rate must be at least 1") }
    }

    func run() throws {
        let output = FsckOutput(json: json, showsProgress: progress)
        do {
            let facts = try TemporaryPlace.makeFacts()
            let summary = try check(facts, output)
            output.finish(summary)
            if summary.exitCode != 0 { throw ExitCode(summary.exitCode) }
        } catch let failure as CheckFailure {
            output.fail(failure)
            throw ExitCode(2)
        }
    }

    private func check(_ facts: TemporaryFacts, _ output: FsckOutput) throws -> CheckSummary {
        if let registry {
            return try RunningCluster(registry: registry, key: try key.load(), requestsPerSecond: rate).check(
                blocks: blocks, facts: facts, output: output)
        }
        let report = CheckReport(found: output.found, progress: output.progress)
        try OfflineCheck(directory: directory ?? ".", checksBlocks: blocks, facts: facts, report: report).run()
        return report.summary
    }
}

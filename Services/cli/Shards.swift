import ArgumentParser
import Client
import Daemon
import EventLoop
import Protocol

/// `sterna shards`: which process leads which groups, and which replicas lack something.
struct Shards: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shards", abstract: "Show the replicas of shards, coordinator and registry.",
        discussion: """
            Asks every replica that the registry knows. One line for each slot, and one for each group that cannot work, \
            could not after one more failure, or has a replica that is away or still receives; with --all, one for every \
            group. Ends with 1 if there is such a group.
            """)

    @Option(help: "Addresses of the registry: HOST:PORT, several separated by commas.")
    var registry: EndpointList

    @Flag(help: "A line for every group.")
    var all = false

    func run() throws {
        let report = ReplicaReport(try ReplicaSurvey.answers(registry))
        print(report.text(all: all))
        if !report.isHealthy { throw ExitCode(1) }
    }
}

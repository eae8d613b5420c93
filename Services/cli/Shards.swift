import ArgumentParser
import Client
import EventLoop
import Protocol

/// `sterna shards`: which process leads which shards, and which replicas lack something.
struct Shards: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shards", abstract: "Show the replicas of the shards, and which of them lead.",
        discussion: """
            Asks every replica that the registry knows. One line for each slot, and one for each shard that cannot work \
            or could not after one more failure; with --all, one for every shard. Ends with 1 if there is such a shard.
            """)

    @Option(help: "Address of the registry, HOST:PORT.")
    var registry: String

    @Flag(help: "A line for every shard.")
    var all = false

    func run() throws {
        let rows = try RegistryClient(registry).run { connection in
            try await connection.call(AllShardsRequest()).shards
        }
        let report = ShardReport(try ShardSurvey(rows).answers())
        print(report.text(all: all))
        if !report.isHealthy { throw ExitCode(1) }
    }
}

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
        let (rows, registry) = try RegistryClient(registry).run { connection in
            (
                try await Self.rows(connection),
                try await connection.call(RegistryReplicaStatusRequest()).status
            )
        }
        let own = ReplicaSurvey.Answer(group: .registry, replica: registry.replica, status: registry)
        let report = ReplicaReport(try ReplicaSurvey(rows).answers() + [own])
        print(report.text(all: all))
        if !report.isHealthy { throw ExitCode(1) }
    }

    /// Every replica of shards and coordinator that has an address.
    private static func rows(_ registry: CommandRegistry) async throws -> [ReplicaSurvey.Row] {
        let shards = try await registry.call(AllShardsRequest()).shards.filter { $0.addrs.addr1.port != 0 }
        let coordinators = try await registry.call(AllCdcRequest()).replicas.filter { $0.addrs.addr1.port != 0 }
        return shards.map { row in
            ReplicaSurvey.Row(
                group: GroupNumber(row.id.shard), replica: row.id.replica, address: SocketAddress(row.addrs.addr1))
        }
            + coordinators.map { row in
                ReplicaSurvey.Row(
                    group: .coordinator, replica: row.replicaId, address: SocketAddress(row.addrs.addr1))
            }
    }
}

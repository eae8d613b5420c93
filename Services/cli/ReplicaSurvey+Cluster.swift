import Client
import Daemon
import EventLoop
import Protocol

extension ReplicaSurvey {
    /// What every replica says that the registry knows of, and its own leader.
    static func answers(_ registry: EndpointList) throws -> [Answer] {
        let (rows, own) = try RegistryClient(registry).run { connection -> ([Row], ReplicaStatus) in
            let rows = try await known(to: connection)
            return (rows, try await connection.call(RegistryReplicaStatusRequest()).status)
        }
        return try ReplicaSurvey(rows).answers() + [Answer(group: .registry, replica: own.replica, status: own)]
    }

    /// Who leads which group, in the latest term that anybody knows of.
    static func leaders(_ registry: EndpointList) throws -> [GroupNumber: ReplicaStatus] {
        Dictionary(grouping: try answers(registry), by: \.group).compactMapValues(ReplicaReport.leader)
    }

    /// Every replica of shards and coordinator that has an address.
    private static func known(to registry: CommandRegistry) async throws -> [Row] {
        let shards = try await registry.call(AllShardsRequest()).shards.filter { $0.addrs.addr1.port != 0 }
        let coordinators = try await registry.call(AllCdcRequest()).replicas.filter { $0.addrs.addr1.port != 0 }
        var rows: [Row] = []
        for row in shards {
            let address = SocketAddress(row.addrs.addr1)
            rows.append(Row(group: GroupNumber(row.id.shard), replica: row.id.replica, address: address))
        }
        for row in coordinators {
            rows.append(Row(group: .coordinator, replica: row.replicaId, address: SocketAddress(row.addrs.addr1)))
        }
        return rows
    }
}

import Client
import Daemon
import EventLoop
import Protocol

extension ReplicaSurvey {
    /// How long a replica of the registry is waited for.
    private static let registryNanoseconds: UInt64 = 1_000_000_000

    /// What every replica says that the registry knows of.
    static func answers(_ registry: EndpointList) throws -> [Answer] {
        let (rows, own) = try RegistryClient(registry).run { connection -> ([Row], [Answer]) in
            let rows = try await known(to: connection)
            return (rows, try await registries(connection))
        }
        return try ReplicaSurvey(rows).answers() + own
    }

    /// What the registry's own replicas say: those that were named, and those that have led.
    private static func registries(_ registry: CommandRegistry) async throws -> [Answer] {
        let rows = try await registry.call(AllRegistryReplicasRequest()).replicas.filter { $0.addrs.addr1.port != 0 }
        let known = rows.map { SocketAddress($0.addrs.addr1) }
        let addresses = known + registry.addresses.filter { !known.contains($0) }
        let statuses = await withTaskGroup(of: (Int, ReplicaStatus?).self) { tasks in
            for (place, address) in addresses.enumerated() {
                let replica = CommandRegistry(loop: registry.loop, addresses: [address], key: nil)
                tasks.addTask {
                    let request = RegistryReplicaStatusRequest()
                    // Silence is what it says.
                    return (place, try? await replica.call(request, patienceNanoseconds: registryNanoseconds).status)
                }
            }
            return await tasks.reduce(into: [Int: ReplicaStatus]()) { $0[$1.0] = $1.1 }
        }
        var answers: [ReplicaID: Answer] = [:]
        for row in rows { answers[row.id] = Answer(group: .registry, replica: row.id, status: nil) }
        for status in statuses.values {
            answers[status.replica] = Answer(group: .registry, replica: status.replica, status: status)
        }
        return Array(answers.values)
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

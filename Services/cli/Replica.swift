import ArgumentParser
import Client
import Daemon
import Protocol

/// `sterna replica`: which replicas belong to the groups.
struct Replica: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Change which replicas there are.",
        discussion: """
            Nobody has to be added: a process that is named in --peers of the others is taken in when it is there, also in \
            the place of one that had another disk.
            """, subcommands: [Remove.self])

    /// `sterna replica remove`.
    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a slot that will not come back out of all groups of a service.",
            discussion: """
                What is lost counts when a majority is asked for: of five replicas with two lost, one more failure stops the \
                groups; when the two are taken out, it does not. The process must have been stopped. When it, or another one \
                in its slot, is started, it is taken in again.
                """)

        enum Service: String, ExpressibleByArgument, CaseIterable {
            case shards, cdc, registry

            var groups: [GroupNumber] {
                switch self {
                case .shards: GroupSelection.shards
                case .cdc: [.coordinator]
                case .registry: [.registry]
                }
            }
        }

        @Argument(help: "shards, cdc or registry.")
        var service: Service

        @Argument(help: "The slot: --replica of the process that is gone.", transform: Self.slot)
        var slot: ReplicaID

        @Option(help: "Addresses of the registry: HOST:PORT, several separated by commas.")
        var registry: EndpointList

        @OptionGroup var key: ClientKeyOptions

        private static func slot(_ text: String) throws -> ReplicaID {
            guard let slot = ReplicaID(slotNamed: text) else { throw ValidationError("a slot is a number from 0 to 4") }
            return slot
        }

        func run() throws {
            let key = try key.load()
            let task = SteeringTask(registry: registry, key: key, steering: .remove, replica: slot) { [slot] status in
                !status.members.contains { $0.replica == slot && $0.isVoter }
            }
            var endings = try task.run(service.groups)
            // A process may have none of some shards.
            for (group, ending) in endings where ending == .refused(.notAMember) { endings[group] = .done }
            let report = SteeringReport(
                endings: endings, replica: slot, done: "there is no replica in slot \(slot.rawValue) any more",
                underWay: "the removal has begun, and is not final yet: sterna shards")
            try forget(Set(endings.filter { $0.value == .done }.keys), key)
            print(report.text)
            if !report.isDone { throw ExitCode(1) }
        }

        /// Has the registry forget where they were.
        private func forget(_ groups: Set<GroupNumber>, _ key: ClusterKey?) throws {
            try RegistryClient(registry, key: key).run { [slot] registry in
                let shards = try await registry.call(AllShardsRequest()).shards
                for row in shards where row.id.replica == slot && groups.contains(GroupNumber(row.id.shard)) {
                    guard row.addrs.addr1.port != 0, !row.isLeader else { continue }
                    _ = try await registry.call(ClearShardInfoRequest(shrid: row.id, location: row.locationId))
                }
                guard groups.contains(.coordinator) else { return }
                let coordinators = try await registry.call(AllCdcRequest()).replicas
                for row in coordinators where row.replicaId == slot && row.addrs.addr1.port != 0 && !row.isLeader {
                    _ = try await registry.call(ClearCdcInfoRequest(replica: slot, location: row.locationId))
                }
            }
        }
    }
}

import ArgumentParser
import Client
import Daemon
import Protocol

/// `sterna leader`: who leads the groups of replicas.
struct Leader: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Choose which replicas lead.", subcommands: [Move.self])

    /// `sterna leader move`.
    struct Move: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have groups led by the replicas in a slot, from now on.",
            discussion: """
                What is in flight is answered first. The choice is kept in the group's log: the replica gets the lead back \
                whenever it has been away and lacks nothing any more, until another is chosen, or --to any, which spreads \
                the leaders over the processes again. `sterna shards` tells which choices there are.
                """)

        /// A slot, or nil for whoever should lead by itself.
        struct Target: ExpressibleByArgument {
            let replica: ReplicaID?

            init?(argument: String) {
                guard argument != "any" else {
                    replica = nil
                    return
                }
                guard let slot = ReplicaID(slotNamed: argument) else { return nil }
                replica = slot
            }
        }

        @Argument(help: "Shards by their numbers (7, 0-7), shards, cdc, registry, or all.")
        var groups: [GroupSelection]

        @Option(help: .init("Slot of the replicas, 0 to 4, or any.", valueName: "slot"))
        var to: Target

        @Option(help: "Addresses of the registry: HOST:PORT, several separated by commas.")
        var registry: EndpointList

        @OptionGroup var key: ClientKeyOptions

        func run() throws {
            let replica = to.replica ?? .nobody
            let task = SteeringTask(
                registry: registry, key: try key.load(), steering: to.replica == nil ? .anyLeads : .lead,
                replica: replica
            ) { [to] status in to.replica.map { $0 == status.replica } ?? (status.wished == .nobody) }
            let report = SteeringReport(
                endings: try task.run(groups.flatMap(\.groups)), replica: replica,
                done: to.replica.map { "slot \($0.rawValue) leads" } ?? "nobody in particular should lead",
                underWay: "it was agreed to, and has not come about yet: sterna shards --all")
            print(report.text)
            if !report.isDone { throw ExitCode(1) }
        }
    }
}

extension ReplicaID {
    /// As on a command line.
    init?(slotNamed text: String) {
        guard let number = UInt8(text), number < Self.limit else { return nil }
        self.init(rawValue: number)
    }
}

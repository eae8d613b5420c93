import ArgumentParser
import Consensus
import EventLoop

/// How a service is told of the other replicas of its groups.
package struct ReplicaOptions: ParsableArguments {
    @Option(help: "Which of the replicas of its groups this process has, 0 to 4.")
    package var replica: UInt8 = 0

    @Option(
        help: .init(
            """
            Where the processes with the replicas, this one among them, listen for each other; the same for all of \
            them. Who is named here and not yet, or with another disk, in a group is taken in by its leader. Default: \
            this process has the only replica.
            """, valueName: "slot=host:port,…"))
    package var peers: PeerList?

    @Flag(
        help: """
            Begin the groups of which there is nothing in --data: at the first start of one of the processes in \
            --peers, and never again. The others wait to be taken in.
            """)
    package var found = false

    package init() {}

    package func validate() throws {
        guard let slot = ReplicaSlot(rawValue: replica) else {
            throw ValidationError("--replica must be 0 to 4, not \(replica)")
        }
        guard let peers else {
            guard slot == .first, !found else { throw ValidationError("--replica and --found need --peers") }
            return
        }
        guard peers.endpoints[slot] != nil else { throw ValidationError("--peers must name --replica \(replica), too") }
    }

    /// What they say. Asks the system's resolver; blocks.
    package func plan() throws(SystemError) -> ReplicaPlan {
        guard let peers, let slot = ReplicaSlot(rawValue: replica) else { return .alone }
        return ReplicaPlan(ReplicaPlace(slot: slot, founds: found), try peers.resolve())
    }
}

/// Slots and `HOST:PORT`, as in `0=a:4000,1=b:4000,2=c:4000` on the command line.
package struct PeerList: ExpressibleByArgument, Sendable {
    /// As written; never empty.
    package let endpoints: [ReplicaSlot: String]

    package init?(argument: String) {
        var endpoints: [ReplicaSlot: String] = [:]
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1)
            guard sides.count == 2, let slot = UInt8(sides[0]).flatMap(ReplicaSlot.init), sides[1].contains(":"),
                endpoints.updateValue(String(sides[1]), forKey: slot) == nil
            else { return nil }
        }
        self.endpoints = endpoints
    }

    func resolve() throws(SystemError) -> [ReplicaSlot: SocketAddress] {
        var addresses: [ReplicaSlot: SocketAddress] = [:]
        for (slot, endpoint) in endpoints { addresses[slot] = try SocketAddress.resolve(endpoint) }
        return addresses
    }
}

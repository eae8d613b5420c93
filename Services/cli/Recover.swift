import ArgumentParser
import Daemon
import Protocol
import QuorumRecovery

/// `sterna recover`: the last resort when a quorum is lost for good.
struct Recover: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Let one replica go on without the others, which are LOST FOR GOOD. Changes may be lost.",
        discussion: """
            Only when so many disks of a service's replicas are lost that `sterna shards` says HAS NO LEADER and the rest cannot \
            be brought back. Without --accept-loss nothing is changed: it is told how far this replica's groups go. Ask all \
            that are left, and choose the one that goes furthest.

            With --accept-loss this replica is the only one of all its groups from its next start on. What others acknowledged \
            and it lacks is lost. WIPE THE DISKS OF ALL OTHER REPLICAS of this service before they are started again: \
            then they are taken in as new ones. Afterwards run `sterna fsck`.
            """)

    @Argument(help: "shards, cdc or registry.")
    var service: ReplicatedService

    @Argument(help: "The --data of the stopped service.")
    var data: String

    @Flag(help: "Go on without what the others have. This cannot be undone.")
    var acceptLoss = false

    func run() throws {
        let replica = try SurvivingReplica(of: service, in: data)
        print("This is the replica in slot \(replica.slot.rawValue).")
        for group in replica.groups { print(words(group, replica)) }
        guard acceptLoss else {
            print(
                """
                What others acknowledged behind these ends is LOST if this replica goes on without them. Nothing was changed. \
                To go on: --accept-loss.
                """)
            throw ExitCode(1)
        }
        let kept = try replica.recover()
        print(
            """
            From its next start on this replica is alone in its \(replica.groups.count) groups. The log as it was is \(kept).
            Start its service with --replica \(replica.slot.rawValue) as before; the others with EMPTY --data only, without \
            --found. Then run sterna fsck.
            """)
    }

    private func words(_ group: SurvivingGroup, _ replica: SurvivingReplica) -> String {
        let slots = group.configuration.slots.map { "\($0.rawValue)" }.joined(separator: ", ")
        var doubts = group.counted(replica.incarnation) ? "" : "; IT DID NOT VOTE, SO IT MAY LACK ANYTHING"
        if group.isInDoubt { doubts += "; IT MAY HAVE FORGOTTEN WHAT IT HAD ACKNOWLEDGED" }
        return
            "\(service.number(of: group.id).nameForPeople): ends with entry \(group.last.index.rawValue) of "
            + "\(group.last.term), of which those up to \(group.certain.rawValue) are certain to be final; "
            + "slots \(slots) belonged to it\(doubts)"
    }
}

extension ReplicatedService: ExpressibleByArgument {}

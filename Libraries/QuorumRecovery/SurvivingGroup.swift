import Consensus
import Protocol
import ReplicatedLog

/// What one replica has of a group when the others are lost.
public struct SurvivingGroup: Sendable {
    /// In the process's log and state.
    public let id: LogGroupID
    /// The end of its log: what others acknowledged behind it is lost without them.
    public let last: Position
    /// Everything up to here was final when it was stored. What comes behind may be, or may never have been acknowledged.
    public let certain: LogIndex
    /// Who belonged to it, as far as this replica knows.
    public let configuration: Configuration
    let hardState: HardState

    /// Whether it knows that it may have forgotten what it had acknowledged.
    public var isInDoubt: Bool { hardState.doubt != nil }

    /// Whether the replica's acknowledgement counted; else it may lack anything.
    public func counted(_ incarnation: Incarnation) -> Bool {
        configuration.voters.contains { configuration[$0]?.incarnation == incarnation }
    }

    /// Behind everything that any of the former replicas can have seen.
    var nextTerm: Term { Term(rawValue: max(hardState.term, last.term).rawValue + Self.termsAhead) }

    /// No group has had as many elections.
    private static let termsAhead: UInt64 = 1 << 32

    /// The beginning of its new history, with one replica. None of the former ones ever belongs to it: what they have
    /// may be another history from some entry on.
    func configuration(alone member: Member) -> Configuration {
        var alone = Configuration(born: member)
        let former = configuration.slots.compactMap { configuration[$0]?.incarnation }
        alone.expelled = Array((configuration.expelled + former).suffix(Configuration.mostExpelled))
        return alone
    }
}

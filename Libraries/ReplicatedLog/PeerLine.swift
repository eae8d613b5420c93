import Consensus
import Protocol

/// How the groups of a process reach their other replicas. Thread-safe.
public protocol PeerLine: AnyObject, Sendable {
    /// Sends what the groups of a lane said in one turn of its loop. What cannot be sent is lost, as on a network.
    func send(_ messages: [(group: LogGroupID, message: Message)])

    /// Asks a leader for a part of its snapshot.
    func send(_ request: SnapshotRequest, to leader: Member)

    /// Gives a peer a part of a snapshot.
    func send(_ part: SnapshotPart, to peer: Member)

    /// In which term a group of this process is led here from now on, and where its followers are; nil: it is not.
    func note(_ group: LogGroupID, isLedIn term: Term?, followers: SlotSet)

    /// A read waits for the next heartbeat, which should not wait for its time.
    func hurryHeartbeat()
}

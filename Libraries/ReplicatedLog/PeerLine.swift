import Consensus

/// How the groups of a process reach their other replicas. Thread-safe.
public protocol PeerLine: AnyObject, Sendable {
    /// Sends what the groups of a lane said in one turn of its loop. What cannot be sent is lost, as on a network.
    func send(_ messages: [(group: LogGroupID, message: Message)])

    /// In which term a group of this process is led here from now on, and where its followers are; nil: it is not.
    func note(_ group: LogGroupID, isLedIn term: Term?, followers: SlotSet)

    /// A read waits for the next heartbeat, which should not wait for its time.
    func hurryHeartbeat()
}

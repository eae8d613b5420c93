/// What a leader knows of another replica, for people.
public struct PeerView: Equatable, Sendable {
    /// Whether it has shown within a promise that it follows.
    public let isHeard: Bool
    /// Whether it lacks more than any log has, and is offered a snapshot.
    public let needsSnapshot: Bool
    /// The logs agree up to here, and it has that on disk.
    public let matched: LogIndex
}

extension Consensus {
    /// Nil of who is not served from here.
    public func view(of slot: ReplicaSlot, at now: BootInstant) -> PeerView? {
        guard let peer = progress[slot.place] else { return nil }
        var needsSnapshot = false
        if case .snapshot = peer.mode { needsSnapshot = true }
        return PeerView(
            isHeard: now < peer.heardAt + settings.promise, needsSnapshot: needsSnapshot, matched: peer.match)
    }
}

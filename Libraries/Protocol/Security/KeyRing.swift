/// The keys that a server works with: those of its cluster, the published ones, or both while a cluster moves from the
/// one to the other.
public struct KeyRing: Sendable {
    public let cluster: ClusterKey?
    /// Whether what is signed with published keys is believed as well, and what only the cluster's own programs should
    /// ask for is done for everybody.
    public let takesWellKnown: Bool

    public init(cluster: ClusterKey?, takesWellKnown: Bool) {
        self.cluster = cluster
        self.takesWellKnown = takesWellKnown
    }

    /// What proves requests of the cluster's own programs; nil where nobody can.
    public func proofKey(for purpose: KeyPurpose) -> SecretKey? { cluster?.key(for: purpose) }

    /// What connections between processes with replicas may be made with; the first is tried first.
    public var peerKeys: [PeerKey] {
        (cluster.map { [$0.peerKey] } ?? []) + (takesWellKnown ? [.wellKnown] : [])
    }

    /// What packets between coordinator and shards may be signed with; the first signs what is sent unasked.
    public var coordinatorKeys: [SecretKey] {
        (cluster.map { [$0.key(for: .coordinator)] } ?? []) + (takesWellKnown ? [.wellKnownCoordinatorKey] : [])
    }
}

/// When the proof of a request is believed (ProvenPacket).
public enum RequestProof {
    /// How far the clocks of sender and receiver may differ. A copy that a stranger repeats within it does nothing:
    /// what could harm when it comes twice is told apart by its id and contents for ten minutes, or finds itself done.
    public static let windowNanoseconds: UInt64 = 300 * 1_000_000_000

    public static func isCurrent(_ time: UInt64, at now: UInt64) -> Bool {
        (time > now ? time - now : now - time) <= windowNanoseconds
    }
}

extension ShardKind {
    /// Whether only the cluster's own programs may ask for it: what destroys, moves and copies what others have stored,
    /// what tells the cookies of other people's files, and what moves replicas. Mounts, of TernFS as well, do without these.
    public var needsProof: Bool {
        switch self {
        case .shardSnapshot, .addSpanLocation, .visitTransientFiles, .removeNonOwnedEdge, .sameShardHardFileUnlink,
            .removeSpanInitiate, .removeSpanCertify, .swapBlocks, .swapSpans, .removeInode,
            .removeZeroBlockServiceFiles, .shardSteer:
            true
        default: false
        }
    }
}

extension CdcKind {
    /// Whether only the cluster's own programs may ask for it: what destroys, what copies everything, and what moves
    /// replicas.
    public var needsProof: Bool {
        switch self {
        case .hardUnlinkDirectory, .crossShardHardUnlinkFile, .cdcSnapshot, .cdcSteer: true
        default: false
        }
    }
}

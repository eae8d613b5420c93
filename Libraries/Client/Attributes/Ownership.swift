import Protocol

/// Who an inode belongs to and who may do what with it, as far as that is stored; nil: the cluster's default, or in a
/// change: as it is.
public struct Ownership: Hashable, Sendable {
    /// The twelve bits of chmod(2).
    public var mode: UInt16?
    public var uid: UInt32?
    public var gid: UInt32?

    public init(mode: UInt16? = nil, uid: UInt32? = nil, gid: UInt32? = nil) {
        self.mode = mode
        self.uid = uid
        self.gid = gid
    }
}

extension Ownership {
    init(_ wire: InodeOwnership) {
        mode = wire.mode == InodeOwnership.defaultMode ? nil : wire.mode
        uid = wire.uid == InodeOwnership.defaultID ? nil : wire.uid
        gid = wire.gid == InodeOwnership.defaultID ? nil : wire.gid
    }

    var wire: InodeOwnership {
        InodeOwnership(
            mode: mode ?? InodeOwnership.defaultMode, uid: uid ?? InodeOwnership.defaultID,
            gid: gid ?? InodeOwnership.defaultID)
    }
}

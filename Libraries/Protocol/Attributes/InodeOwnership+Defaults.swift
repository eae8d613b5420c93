extension InodeOwnership {
    /// What says that a mode is not given.
    public static let defaultMode: UInt16 = .max
    /// What says that an owner or group is not given.
    public static let defaultID: UInt32 = .max

    /// Nothing given.
    public static let `default` = InodeOwnership(mode: defaultMode, uid: defaultID, gid: defaultID)

    /// This, with what another one gives in place of it.
    public func changed(by change: InodeOwnership) -> InodeOwnership {
        InodeOwnership(
            mode: change.mode == Self.defaultMode ? mode : change.mode,
            uid: change.uid == Self.defaultID ? uid : change.uid,
            gid: change.gid == Self.defaultID ? gid : change.gid)
    }

    /// Without the bits that let a program run with its owner's or group's rights: they were given to another content.
    /// Without a group's right to run it the second one means something else.
    public var withoutPrivileges: InodeOwnership {
        guard mode != Self.defaultMode else { return self }
        return InodeOwnership(mode: mode & ~(mode & 0o010 == 0 ? 0o4000 : 0o6000), uid: uid, gid: gid)
    }

    /// Whether the mode is none or one of twelve bits.
    public var isPossible: Bool { mode == Self.defaultMode || mode <= AttributeLimits.modeBits }
}

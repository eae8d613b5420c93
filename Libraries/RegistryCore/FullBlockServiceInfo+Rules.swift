import Protocol

extension FullBlockServiceInfo {
    /// Whether new blocks may go there now: no flag forbids it and there is room.
    var isWritable: Bool {
        flags.isDisjoint(with: [.stale, .noWrite, .decommissioned]) && availableBytes > 0
    }

    /// Whether reads of its blocks are to be expected to fail.
    var isUnreadable: Bool { !flags.isDisjoint(with: [.stale, .noRead, .decommissioned]) }

    var isDecommissioned: Bool { flags.contains(.decommissioned) }

    /// Whether losing it could cost files: the shards said so, or it reports blocks.
    var mayHoldFiles: Bool { hasFiles || blocks > 0 }

    /// Changes the flags and, if they differ, the time that changed-block-services readers look at.
    mutating func setFlags(_ newFlags: BlockServiceFlags, at time: Timestamp) {
        guard newFlags != flags else { return }
        flags = newFlags
        lastInfoChange = time
    }
}

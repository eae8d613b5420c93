import Protocol

extension DefaultOwnershipResponse {
    /// - Parameter choice: nil: nobody has chosen.
    init(_ choice: SetDefaultOwnershipRequest?) {
        self.init(
            isSet: choice != nil, uid: choice?.uid ?? 0, gid: choice?.gid ?? 0, fileMode: choice?.fileMode ?? 0o644,
            directoryMode: choice?.directoryMode ?? 0o755)
    }
}

extension SetDefaultOwnershipRequest {
    /// Whether it names an owner, a group and modes that an inode can have.
    var isPossible: Bool {
        uid != InodeOwnership.defaultID && gid != InodeOwnership.defaultID && fileMode <= AttributeLimits.modeBits
            && directoryMode <= AttributeLimits.modeBits
    }
}

import Protocol

/// What an inode is shown with that has no owner or mode of its own. Part of the cluster, the same for all mounts.
public struct DefaultOwnership: Hashable, Sendable {
    public var uid: UInt32
    public var gid: UInt32
    /// The twelve bits of chmod(2).
    public var fileMode: UInt16
    public var directoryMode: UInt16
    /// Whether somebody has chosen it.
    public var isSet: Bool

    public init(uid: UInt32, gid: UInt32, fileMode: UInt16, directoryMode: UInt16, isSet: Bool = true) {
        self.uid = uid
        self.gid = gid
        self.fileMode = fileMode
        self.directoryMode = directoryMode
        self.isSet = isSet
    }

    init(_ answer: DefaultOwnershipResponse) {
        self.init(
            uid: answer.uid, gid: answer.gid, fileMode: answer.fileMode, directoryMode: answer.directoryMode,
            isSet: answer.isSet)
    }
}

extension Client {
    /// What the cluster shows inodes with that have no ownership of their own. Asks the registry each time.
    /// - Throws: a refusal with UNRECOGNIZED_REQUEST where the cluster stores no attributes.
    public func defaultOwnership() async throws(ClientError) -> DefaultOwnership {
        guard storesAttributes else {
            throw ClientError(.refused(.unrecognizedRequest), "\(RegistryKind.defaultOwnership) at the registry")
        }
        return DefaultOwnership(try await source.defaultOwnership())
    }
}

import Protocol

/// What transactions exclude each other from.
///
/// Finer than the per-directory locks of spec D.4; why that is enough stands in this library's README.md.
package enum LockableResource: Hashable {
    /// One name of one directory, with its history. Always exclusive.
    case name(InodeID, [UInt8])
    /// A directory's inode. Shared: "it must stay alive". Exclusive: it dies or is being resolved.
    case directory(InodeID)
    /// The directory that an inode is in: who changes it. Always exclusive.
    case owner(InodeID)
}

/// A lock that a transaction needs.
package struct LockClaim {
    package var resource: LockableResource
    package var isExclusive: Bool

    package static func name(_ directory: InodeID, _ name: [UInt8]) -> LockClaim {
        LockClaim(resource: .name(directory, name), isExclusive: true)
    }

    package static func shared(_ directory: InodeID) -> LockClaim {
        LockClaim(resource: .directory(directory), isExclusive: false)
    }

    package static func exclusive(_ directory: InodeID) -> LockClaim {
        LockClaim(resource: .directory(directory), isExclusive: true)
    }

    package static func owner(of inode: InodeID) -> LockClaim {
        LockClaim(resource: .owner(inode), isExclusive: true)
    }
}

import Mutations

/// Whose a file or directory is, and who may do what with it.
public struct Permissions: Hashable, Sendable {
    /// The twelve bits of chmod(2).
    public var mode: UInt16
    public var user: UInt32
    public var group: UInt32

    public init(mode: UInt16, user: UInt32, group: UInt32) {
        self.mode = mode
        self.user = user
        self.group = group
    }

    /// All bits that are kept.
    public static let modeMask: UInt16 = 0o7777
    static let setUser: UInt16 = 0o4000
    static let setGroup: UInt16 = 0o2000
    /// Of a directory: nobody removes or replaces there what is not his.
    static let sticky: UInt16 = 0o1000
    static let groupExecutes: UInt16 = 0o010

    /// Whether a file of this mode runs as whoever owns it, or as its group.
    static func givesRights(_ mode: UInt16) -> Bool { withoutPrivileges(mode) != mode }

    /// Whether a file of this mode runs as its group.
    static func runsAsGroup(_ mode: UInt16) -> Bool { mode & (setGroup | groupExecutes) == setGroup | groupExecutes }

    /// Those of something whose list of access is not at hand: nobody has what only that gives, and the group's bits
    /// are the most that anybody has by it.
    package var withoutList: Permissions {
        if Mutation.lostListsLeaveTheirMask.isPlanted { return self }
        return Permissions(mode: mode & ~0o070, user: user, group: group)
    }

    /// The mode of a file that was changed by somebody who could not have given it such rights, or got another owner:
    /// it runs as nobody else any more. The bit for the group means something else where the group cannot execute it.
    static func withoutPrivileges(_ mode: UInt16) -> UInt16 {
        mode & ~setUser & ~(runsAsGroup(mode) ? setGroup : 0)
    }
}

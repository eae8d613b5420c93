/// Which users and groups of the cluster those can be who use the filesystem: in a container only some have a number.
/// Pure.
public struct KnownIdentities: Hashable, Sendable {
    private let users: [ClosedRange<UInt32>]
    private let groups: [ClosedRange<UInt32>]

    public init(users: [ClosedRange<UInt32>], groups: [ClosedRange<UInt32>]) {
        self.users = users
        self.groups = groups
    }

    public static let all = KnownIdentities(users: [0...UInt32.max - 1], groups: [0...UInt32.max - 1])

    /// Whether somebody can have these numbers.
    /// - Parameter group: nil: it does not matter.
    package func know(user: UInt32, group: UInt32?) -> Bool {
        users.contains { $0.contains(user) } && (group.map { id in groups.contains { $0.contains(id) } } ?? true)
    }

    /// Whether an entry of a list can be about somebody.
    package func know(_ entry: AccessControlList.Entry) -> Bool {
        switch entry.tag {
        case .user: users.contains { $0.contains(entry.id) }
        case .group: groups.contains { $0.contains(entry.id) }
        case .owner, .owningGroup, .mask, .others: true
        }
    }
}

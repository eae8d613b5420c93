import Foundation

/// What a file, directory or symbolic link has besides bytes and names.
public struct Attributes: Equatable, Sendable {
    enum Kind {
        case file, directory, link
    }

    let kind: Kind
    /// Twelve bits.
    var mode: Int
    /// Bits of the mode that may be gone.
    var doubtful = 0
    var owner: Int
    var group: Int
    /// If it says more than the mode. Both say the same otherwise.
    var access: AccessList?
    /// Of a directory: what begins in it begins with this.
    var inherited: AccessList?
    /// Without the lists.
    var extended: [String: [UInt8]] = [:]
    var modified = KnownTime.recent
    var accessed = KnownTime.unknown

    static let setUser = 0o4000
    static let setGroup = 0o2000
    static let sticky = 0o1000
    /// The bits with which a program runs as somebody else.
    static let programRights = setUser | setGroup

    func list(_ kind: AccessList.Kind) -> AccessList? { kind == .access ? access : inherited }

    // MARK: What programs find

    /// The extended attributes that somebody is told of.
    func shown(to user: User) -> [String: Data] {
        var all = extended.filter { user.isRoot || !$0.key.hasPrefix("trusted.") }.mapValues { Data($0) }
        for kind in AccessList.Kind.allCases { all[kind.attribute] = list(kind)?.bytes }
        return all
    }

    /// How what was found differs from this; nil when it does not.
    func difference(_ found: Status) -> String? {
        func owned(_ mode: Int, _ owner: Int, _ group: Int) -> String {
            "mode \(String(mode, radix: 8)) of \(owner):\(group)"
        }
        if found.mode | doubtful != mode | doubtful || (found.owner, found.group) != (owner, group) {
            return "it has \(owned(found.mode, found.owner, found.group)), expected \(owned(mode, owner, group))"
        }
        if !modified.isRight(found.modified) { return "it was modified at \(found.modified), expected \(modified)" }
        if !accessed.isRight(found.accessed) { return "it was accessed at \(found.accessed), expected \(accessed)" }
        return nil
    }
}

/// What stat(2) tells of a file besides its size and number.
public struct Status: Codable, Equatable, Sendable {
    /// Twelve bits.
    public let mode: Int
    public let owner: Int
    public let group: Int
    public let modified: Moment
    public let accessed: Moment

    public init(mode: Int, owner: Int, group: Int, modified: Moment, accessed: Moment) {
        self.mode = mode
        self.owner = owner
        self.group = group
        self.modified = modified
        self.accessed = accessed
    }
}

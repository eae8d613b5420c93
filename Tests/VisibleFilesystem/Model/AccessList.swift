import Foundation

/// A list of POSIX 1003.1e, with rights as three bits of a mode.
public struct AccessList: Codable, Hashable, Sendable {
    public var owner: Int
    /// By number.
    public var users: [Int: Int]
    public var group: Int
    public var groups: [Int: Int]
    /// The most that the group and those by number get. Must be there if anybody is listed by number.
    public var mask: Int?
    public var others: Int

    public init(
        owner: Int, users: [Int: Int] = [:], group: Int, groups: [Int: Int] = [:], mask: Int? = nil, others: Int
    ) {
        self.owner = owner
        self.users = users
        self.group = group
        self.groups = groups
        self.mask = mask
        self.others = others
    }

    /// Whether it says more than a mode can.
    var isExtended: Bool { mask != nil }

    /// The nine bits that a mode shows of it.
    var mode: Int { owner << 6 | (mask ?? group) << 3 | others }

    /// As chmod(2) makes it.
    func with(mode: Int) -> AccessList {
        var result = self
        result.owner = mode >> 6 & 7
        if mask == nil { result.group = mode >> 3 & 7 } else { result.mask = mode >> 3 & 7 }
        result.others = mode & 7
        return result
    }

    /// What it says of somebody who is not the owner, as `acl(5)` has it.
    func permits(_ rights: Rights, _ user: User, of owningGroup: Int) -> Bool {
        func isEnough(_ bits: Int) -> Bool { Rights(rawValue: bits).isSuperset(of: rights) }
        if let own = users[user.id] { return isEnough(own & (mask ?? 7)) }
        var found = groups.filter { user.isIn($0.key) }.map(\.value)
        if user.isIn(owningGroup) { found.append(group) }
        if found.isEmpty { return isEnough(others) }
        return found.contains { isEnough($0 & (mask ?? 7)) }
    }

    // MARK: As extended attributes

    public enum Kind: String, Codable, CaseIterable, Sendable {
        /// Who may do what.
        case access
        /// What is made in a directory begins with it.
        case inherited

        public var attribute: String {
            switch self {
            case .access: "system.posix_acl_access"
            case .inherited: "system.posix_acl_default"
            }
        }
    }

    /// As the kernel takes and gives it: a version, then tag, rights and number of each entry, in the order of both.
    public var bytes: Data {
        func little<Number: FixedWidthInteger>(_ number: Number) -> Data {
            withUnsafeBytes(of: number.littleEndian) { Data($0) }
        }
        func entry(_ tag: UInt16, _ rights: Int, _ id: UInt32 = .max) -> Data {
            little(tag) + little(UInt16(truncatingIfNeeded: rights)) + little(id)
        }
        func named(_ tag: UInt16, _ entries: [Int: Int]) -> Data {
            entries.sorted { $0.key < $1.key }.reduce(Data()) {
                $0 + entry(tag, $1.value, UInt32(truncatingIfNeeded: $1.key))
            }
        }
        let unmasked = entry(0x01, owner) + named(0x02, users) + entry(0x04, group) + named(0x08, groups)
        return little(UInt32(2)) + unmasked + (mask.map { entry(0x10, $0) } ?? Data()) + entry(0x20, others)
    }
}

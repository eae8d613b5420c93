/// A list of POSIX 1003.1e: permission bits for users and groups by name beside those of the mode. Whose mode the list
/// stands beside is authoritative for what both have: the list is kept as it was set and read with the mode applied, so
/// chmod(2) never has to rewrite one. Pure.
package struct AccessControlList: Hashable, Sendable {
    package enum Tag: UInt16, Sendable {
        case owner = 0x01
        case user = 0x02
        case owningGroup = 0x04
        case group = 0x08
        case mask = 0x10
        case others = 0x20

        /// Whether an entry is for somebody with a number.
        var isNamed: Bool { self == .user || self == .group }
    }

    package struct Entry: Hashable, Sendable {
        package var tag: Tag
        /// Reading 4, writing 2, executing 1.
        package var permissions: UInt16
        /// Of the user or group; `nobody` where there is none.
        package var id: UInt32

        package init(_ tag: Tag, _ permissions: UInt16, id: UInt32 = Entry.nobody) {
            self.tag = tag
            self.permissions = permissions
            self.id = id
        }

        package static let nobody = UInt32.max
    }

    /// In the order of tags.
    package private(set) var entries: [Entry]

    /// Nil for what is no list: entries out of order, missing or there twice, named ones without a mask.
    package init?(_ entries: [Entry]) {
        self.entries = entries
        guard isValid else { return nil }
    }

    /// One that says no more than a mode can.
    init(owner: UInt16, group: UInt16, others: UInt16) {
        entries = [Entry(.owner, owner), Entry(.owningGroup, group), Entry(.others, others)]
    }

    private var isValid: Bool {
        var mayFollow = Tag.owner.rawValue
        var counts: [Tag: Int] = [:]
        for entry in entries {
            guard entry.permissions <= 7, entry.tag.rawValue >= mayFollow else { return false }
            guard !entry.tag.isNamed || entry.id != Entry.nobody else { return false }
            counts[entry.tag, default: 0] += 1
            mayFollow = entry.tag.rawValue
        }
        for tag in [Tag.owner, .owningGroup, .others] where counts[tag] != 1 { return false }
        let masks = counts[.mask] ?? 0
        return masks == 1 || masks == 0 && counts[.user] == nil && counts[.group] == nil
    }

    // MARK: Who it is about

    /// Whether it names anybody who is not known. A kernel takes no list that does.
    package func namesOthers(than known: KnownIdentities) -> Bool { !entries.allSatisfy(known.know) }

    /// The same without them: nobody loses or gets anything by that, since nobody is one of them.
    package func only(_ known: KnownIdentities) -> AccessControlList {
        var result = self
        result.entries.removeAll { !known.know($0) }
        return result
    }

    // MARK: The mode

    /// Whether it says no more than a mode can.
    package var isMode: Bool { entries.count == 3 }

    /// What a mode shows as the group's: the most that anybody named and the owning group can have.
    private var groupClass: Tag { entries.contains { $0.tag == .mask } ? .mask : .owningGroup }

    /// The nine bits that a file with this list has.
    package var mode: UInt16 {
        permissions(of: .owner) << 6 | permissions(of: groupClass) << 3 | permissions(of: .others)
    }

    /// The list of a file that has this mode by now.
    package func with(mode: UInt16) -> AccessControlList {
        var result = self
        result.set(.owner, mode >> 6 & 7)
        result.set(groupClass, mode >> 3 & 7)
        result.set(.others, mode & 7)
        return result
    }

    /// The list of what is made with `mode` in a directory whose default list this is: nobody gets more than both say.
    package func inherited(mode: UInt16) -> AccessControlList {
        with(mode: self.mode & mode)
    }

    private func permissions(of tag: Tag) -> UInt16 {
        entries.first { $0.tag == tag }?.permissions ?? 0
    }

    private mutating func set(_ tag: Tag, _ permissions: UInt16) {
        for index in entries.indices where entries[index].tag == tag { entries[index].permissions = permissions }
    }
}

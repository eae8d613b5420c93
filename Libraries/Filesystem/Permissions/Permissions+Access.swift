/// What somebody may do with a file, where no kernel looks.
extension Permissions {
    /// Reading.
    package static let read: UInt16 = 4
    /// Writing.
    package static let write: UInt16 = 2

    /// Whether somebody may do all of `wanted` with a file for certain: beside the one that is known he may be in any
    /// group.
    /// - Parameter list: its list of access, if it has one.
    package func surelyAllow(
        user: UInt32, group: UInt32, _ wanted: UInt16, list: AccessControlList? = nil
    ) -> Bool {
        if user == 0 { return true }
        let entries = (list ?? AccessControlList(mode: mode)).with(mode: mode).entries
        let mask = entries.first { $0.tag == .mask }?.permissions ?? 7
        func gives(_ entry: AccessControlList.Entry) -> Bool {
            let isMasked = entry.tag.isNamed || entry.tag == .owningGroup
            return entry.permissions & (isMasked ? mask : 7) & wanted == wanted
        }
        if user == self.user { return entries.contains { $0.tag == .owner && gives($0) } }
        if let own = entries.first(where: { $0.tag == .user && $0.id == user }) { return gives(own) }
        let groups = entries.filter { $0.tag == .owningGroup || $0.tag == .group }
        let hasGroup = groups.contains { gives($0) && ($0.tag == .group ? $0.id : self.group) == group }
        return hasGroup || groups.allSatisfy(gives) && entries.contains { $0.tag == .others && gives($0) }
    }
}

extension AccessControlList {
    /// The list that says what a mode does.
    init(mode: UInt16) {
        self.init(owner: mode >> 6 & 7, group: mode >> 3 & 7, others: mode & 7)
    }
}

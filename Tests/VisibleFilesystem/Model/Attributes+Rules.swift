import Foundation

// Who may do what, and what follows from it: as POSIX has it, and Linux where that leaves it open.

extension Attributes {
    func permits(_ rights: Rights, _ user: User) -> Bool {
        if user.isRoot { return !rights.contains(.execute) || kind == .directory || mode & 0o111 != 0 }
        func isEnough(_ bits: Int) -> Bool { Rights(rawValue: bits & 7).isSuperset(of: rights) }
        if user.id == owner { return isEnough(mode >> 6) }
        // Linux does not look at a list whose mask gives nothing: those whom it names are others then.
        if let access, mode & 0o070 != 0 { return access.permits(rights, user, of: group) }
        return isEnough(user.isIn(group) ? mode >> 3 : mode)
    }

    /// Whether somebody may do what only owners may.
    private func isOwned(by user: User) -> Bool { user.isRoot || user.id == owner }

    private func checkOwned(by user: User) throws(Refusal) {
        guard isOwned(by: user) else { throw Refusal(EPERM) }
    }

    /// Whether somebody may take a file's name from it in this directory, where he may change names.
    func isProtected(_ file: Attributes, from user: User) -> Bool {
        mode & Self.sticky != 0 && !isOwned(by: user) && user.id != file.owner
    }

    // MARK: Creation

    /// What `user` makes in this directory.
    /// - Parameter asked: the mode that he asked for, before his umask.
    func made(_ kind: Kind, mode asked: Int, umask: Int, by user: User) -> Attributes {
        let passesGroup = mode & Self.setGroup != 0
        var result = Attributes(
            kind: kind, mode: asked & (kind == .directory ? 0o1777 : 0o7777), owner: user.id,
            group: passesGroup ? group : user.group)
        guard kind != .link else {
            result.mode = 0o777
            return result
        }
        if kind == .file, passesGroup, result.mode & 0o2010 == 0o2010, !user.isRoot, !user.isIn(group) {
            result.mode &= ~Self.setGroup
        }
        if let inherited {
            let own = inherited.with(mode: inherited.mode & result.mode)
            result.mode = result.mode & ~0o777 | own.mode
            if own.isExtended { result.access = own }
            if kind == .directory { result.inherited = inherited }
        } else {
            result.mode &= ~umask
        }
        if kind == .directory, passesGroup { result.mode |= Self.setGroup }
        return result
    }

    // MARK: Modes and owners

    mutating func changeMode(_ asked: Int, by user: User) throws(Refusal) {
        try checkOwned(by: user)
        set(mode: asked & 0o7777, by: user)
        doubtful = 0
    }

    /// Nobody gives a file the right to run as a group that he is not in.
    private mutating func set(mode: Int, by user: User) {
        self.mode = user.isRoot || user.isIn(group) ? mode : mode & ~Self.setGroup
        access = access?.with(mode: mode)
        doubtful &= self.mode
    }

    mutating func changeOwner(_ newOwner: Int?, _ newGroup: Int?, by user: User) throws(Refusal) {
        let isOwner = user.id == owner
        if let newOwner, !user.isRoot, !isOwner || newOwner != owner { throw Refusal(EPERM) }
        if let newGroup, !user.isRoot, !isOwner || !user.isIn(newGroup) && newGroup != group { throw Refusal(EPERM) }
        if kind == .file { takeProgramRights(keepsGroup: user.isRoot || user.isIn(group)) }
        owner = newOwner ?? owner
        group = newGroup ?? group
    }

    /// What happens when somebody changes the file's owner, or, if he is not root, its bytes.
    /// - Parameter keepsGroup: he could have set the bit for the group, which means something else where that cannot
    ///   execute the file.
    mutating func takeProgramRights(keepsGroup: Bool) {
        mode &= ~Self.setUser & ~(keepsGroup && mode & 0o010 == 0 ? 0 : Self.setGroup)
        doubtful &= mode
    }

    /// Whether it depends on the groups of whoever writes what a write takes: no mount is told of that.
    func dependsOnGroups(_ user: User) -> Bool {
        mode & 0o2010 == Self.setGroup && !user.isRoot && !user.isIn(group)
    }

    // MARK: Lists

    mutating func set(_ list: AccessList?, _ kind: AccessList.Kind, by user: User) throws(Refusal) {
        if kind == .inherited, self.kind != .directory { throw Refusal(EACCES) }
        try checkOwned(by: user)
        switch (kind, list) {
        case (.inherited, _): inherited = list
        case (.access, nil): access = nil
        case (.access, let list?):
            access = list.isExtended ? list : nil
            set(mode: mode & ~0o777 | list.mode, by: user)
        }
    }

    // MARK: Times

    mutating func setTimes(accessed: TimeChoice, modified: TimeChoice, by user: User) throws(Refusal) {
        if !isOwned(by: user) {
            guard accessed == .now, modified == .now else { throw Refusal(EPERM) }
            guard permits(.write, user) else { throw Refusal(EACCES) }
        }
        self.accessed = accessed.applied(to: self.accessed)
        self.modified = modified.applied(to: self.modified)
    }

    // MARK: Extended attributes

    mutating func setExtended(
        _ name: String, _ value: [UInt8]?, _ use: AttributeUse, by user: User
    ) throws(Refusal) {
        if name.hasPrefix("trusted.") {
            guard user.isRoot else { throw Refusal(EPERM) }
        } else {
            let isOthers = kind == .directory && mode & Self.sticky != 0 && !isOwned(by: user)
            guard kind != .link, !isOthers else { throw Refusal(EPERM) }
            guard permits(.write, user) else { throw Refusal(EACCES) }
        }
        if use == .create, extended[name] != nil { throw Refusal(EEXIST) }
        if use == .replace, extended[name] == nil { throw Refusal(ENODATA) }
        extended[name] = value
    }

    /// All extended attributes, with their values.
    func allExtended(by user: User) throws(Refusal) -> [String: Data] {
        let all = shown(to: user)
        if all.keys.contains(where: { $0.hasPrefix("user.") }), !permits(.read, user) { throw Refusal(EACCES) }
        return all
    }
}

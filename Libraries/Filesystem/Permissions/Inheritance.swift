import Mutations

/// What a directory gives to whatever is made in it. Pure.
package struct Inheritance: Hashable, Sendable {
    /// Of a directory with the setgid bit: its group, which everything in it gets, and directories the bit as well.
    package var group: UInt32?
    /// Its default list.
    package var list: AccessControlList?
    /// Of a directory with the sticky bit: who may replace there what others have made, beside root.
    package var stickyOwner: UInt32?

    package init(group: UInt32? = nil, list: AccessControlList? = nil, stickyOwner: UInt32? = nil) {
        self.group = group
        self.list = list
        self.stickyOwner = stickyOwner
    }

    /// Of a directory with these.
    package init(_ permissions: Permissions, _ extended: ExtendedAttributes) {
        group = permissions.mode & Permissions.setGroup != 0 ? permissions.group : nil
        list = extended[ExtendedAttributes.defaultList].flatMap(AccessControlList.init(encoded:))
        stickyOwner = permissions.mode & Permissions.sticky != 0 ? permissions.user : nil
    }

    /// What begins to be.
    package enum Kind: Sendable {
        case file, directory, symbolicLink
    }

    /// The attributes of what `caller` makes.
    /// - Parameter mode: what he asked for, before his umask.
    package func made(_ kind: Kind, mode: UInt16, by caller: Caller) -> InitialAttributes {
        var permissions = Permissions(mode: 0o777, user: caller.user, group: group ?? caller.group)
        var extended = ExtendedAttributes()
        let replacesOnlyOwn = stickyOwner.map { caller.user != 0 && caller.user != $0 } ?? false
        guard kind != .symbolicLink else { return InitialAttributes(permissions: permissions, extended: extended) }
        permissions.mode = mode & Permissions.modeMask
        if let list {
            let umask = Mutation.defaultListsMeetTheUmask.isPlanted ? caller.umask : 0
            let own = list.inherited(mode: mode & ~umask)
            permissions.mode = mode & Permissions.modeMask & ~0o777 | own.mode
            if !own.isMode { extended[ExtendedAttributes.accessList] = own.encoded }
            if kind == .directory { extended[ExtendedAttributes.defaultList] = list.encoded }
        } else {
            permissions.mode &= ~(caller.umask & 0o777)
        }
        if kind == .directory, group != nil { permissions.mode |= Permissions.setGroup }
        return InitialAttributes(permissions: permissions, extended: extended, replacesOnlyOwn: replacesOnlyOwn)
    }
}

/// What something has when it begins to be.
package struct InitialAttributes: Hashable, Sendable {
    package var permissions: Permissions
    package var extended: ExtendedAttributes
    /// What somebody else has made under its name it cannot replace.
    package var replacesOnlyOwn: Bool

    package init(
        permissions: Permissions, extended: ExtendedAttributes = ExtendedAttributes(), replacesOnlyOwn: Bool = false
    ) {
        self.permissions = permissions
        self.extended = extended
        self.replacesOnlyOwn = replacesOnlyOwn
    }
}

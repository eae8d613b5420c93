import Client
import Glibc
import Mutations
import Protocol

// Extended attributes: getxattr(2) and the like. Access control lists are among them.

extension Filesystem {
    /// getxattr(2). ENODATA: there is none of that name; EOPNOTSUPP: of such a name there cannot be one.
    public func extendedAttribute(_ name: [UInt8], of id: NodeID) async throws(FilesystemError) -> [UInt8] {
        if Self.tellsPlacement(name) { return try await placement(name, of: id) }
        try checkExtended(name)
        if id.isSnapshot {
            let all = try await snapshotExtendedAttributes(id)
            return try shown(name, of: all, try await snapshotAttributes(id).permissions)
        }
        let node = try await met(id)
        defer { nodes.dropIfUnused(node) }
        let all = try await extendedAttributes(of: node)
        let isList = name == ExtendedAttributes.accessList && all[name] != nil
        return try shown(name, of: all, isList ? try await attributes(of: node).permissions : nil)
    }

    /// What `extendedAttribute` answers where nobody has to be asked; nil otherwise.
    public func extendedAttributeNow(_ name: [UInt8], of id: NodeID) throws(FilesystemError) -> [UInt8]? {
        guard name != ExtendedAttributes.accessList, !Self.tellsPlacement(name), let node = nodes[id],
            let known = node.staged?.own?.extended ?? knownHolder(of: node).flatMap(node.extended(of:))
        else { return nil }
        try checkExtended(name)
        return try shown(name, of: known, nil)
    }

    /// An access control list has the mode in it, and nobody who is not known.
    private func shown(
        _ name: [UInt8], of all: ExtendedAttributes, _ permissions: Permissions?
    ) throws(FilesystemError) -> [UInt8] {
        guard let value = all[name] else { throw .noSuchAttribute }
        guard ExtendedAttributes.isList(name), let list = AccessControlList(encoded: value) else { return value }
        let known = list.only(options.identities)
        guard name == ExtendedAttributes.accessList, !Mutation.listsIgnoreTheMode.isPlanted, let permissions else {
            return known.encoded
        }
        return known.with(mode: permissions.mode).encoded
    }

    /// Only owners change lists.
    /// - Returns: as `checkOwns`.
    private func checkMayChange(
        _ list: [UInt8], of node: Node, _ caller: Caller
    ) async throws(FilesystemError) -> InodeID? {
        let meant = try await checkOwns(node, caller)
        try await checkSeesAll(list, of: node)
        return meant
    }

    /// Who sees only a part of a list is not to replace the whole.
    private func checkSeesAll(_ name: [UInt8], of node: Node) async throws(FilesystemError) {
        guard options.identities != .all, let value = try await extendedAttributes(of: node)[name],
            let list = AccessControlList(encoded: value), list.namesOthers(than: options.identities)
        else { return }
        throw FilesystemError(EPERM, "its list of access names users or groups that are not known here")
    }

    /// listxattr(2): the names of all that `caller` may know of.
    public func extendedAttributeNames(of id: NodeID, for caller: Caller) async throws(FilesystemError) -> [[UInt8]] {
        guard storesOwnership else { return [] }
        if id.isSnapshot {
            return try await snapshotExtendedAttributes(id).names.filter {
                ExtendedAttributes.isVisible($0, to: caller)
            }
        }
        let node = try await met(id)
        defer { nodes.dropIfUnused(node) }
        return try await extendedAttributes(of: node).names.filter { ExtendedAttributes.isVisible($0, to: caller) }
    }

    /// setxattr(2).
    public func setExtendedAttribute(
        _ name: [UInt8], _ value: [UInt8], of id: NodeID, _ use: ExtendedAttributeUse,
        by caller: Caller = .unknown
    ) async throws(FilesystemError) {
        try Self.checkMayChange(name)
        try checkExtended(name)
        let node = try await met(id)
        defer { nodes.dropIfUnused(node) }
        let meant = ExtendedAttributes.isList(name) ? try await checkMayChange(name, of: node, caller) : nil
        switch name {
        case ExtendedAttributes.accessList:
            guard let list = AccessControlList(encoded: value) else { throw .invalid }
            try await set(list, of: node, meant, by: caller)
        case ExtendedAttributes.defaultList:
            guard node.content.isDirectory else { throw FilesystemError(EACCES) }
            // An empty list is none.
            guard value.count > AccessControlList.headerBytes else {
                return try await removeIfThere(ExtendedAttributes.defaultList, of: node, meant)
            }
            guard AccessControlList(encoded: value) != nil else { throw .invalid }
            try await change(node, [.set(name, value)], meant)
        default:
            try await change(
                node, [ExtendedAttributeChange(operation: use.operation, name: name, value: value)])
        }
    }

    /// removexattr(2).
    public func removeExtendedAttribute(
        _ name: [UInt8], of id: NodeID, by caller: Caller = .unknown
    ) async throws(FilesystemError) {
        try Self.checkMayChange(name)
        try checkExtended(name)
        let node = try await met(id)
        defer { nodes.dropIfUnused(node) }
        // Everything has a list: its mode.
        if ExtendedAttributes.isList(name) {
            let meant = try await checkMayChange(name, of: node, caller)
            return try await removeIfThere(name, of: node, meant)
        }
        try await change(node, [.remove(name)])
    }

    private func checkExtended(_ name: [UInt8]) throws(FilesystemError) {
        guard storesOwnership else { throw FilesystemError(EOPNOTSUPP) }
        try ExtendedAttributes.check(name)
    }

    /// The list and the mode, which say the same, in one step.
    private func set(
        _ list: AccessControlList, of node: Node, _ meant: InodeID?, by caller: Caller
    ) async throws(FilesystemError) {
        // What the list does not say stays as it is, and not as it was a moment ago.
        try await renewRights(of: node)
        guard var permissions = try await attributes(of: node).permissions else { return }
        permissions.mode = permissions.mode & ~0o777 | list.mode
        if permissions.mode & Permissions.setGroup != 0, await !mayKeepSetGroup(caller, permissions) {
            permissions.mode &= ~Permissions.setGroup
        }
        let name = ExtendedAttributes.accessList
        let change = InodeChange(
            ownership: Ownership(mode: permissions.mode),
            extended: [list.isMode ? .drop(name) : .set(name, list.encoded)])
        // The mode is as it was a moment before the change.
        try await withLateLook(AttributeChange(mode: permissions.mode), of: node, by: caller) {
            () throws(FilesystemError) in
            try await self.change(node, change, to: meant)
        }
    }

    private func removeIfThere(_ name: [UInt8], of node: Node, _ meant: InodeID?) async throws(FilesystemError) {
        try await renewRights(of: node)
        guard try await extendedAttributes(of: node)[name] != nil else { return }
        try await change(node, [.drop(name)], meant)
    }

    private func change(
        _ node: Node, _ extended: [ExtendedAttributeChange], _ meant: InodeID? = nil
    ) async throws(FilesystemError) {
        try await change(node, InodeChange(extended: extended), to: meant)
    }

    // MARK: All of them

    func extendedAttributes(of node: Node) async throws(FilesystemError) -> ExtendedAttributes {
        while true {
            if let own = node.staged?.own { return own.extended }
            let found = try await holder(of: node)
            if let known = node.extended(of: found) { return known }
            let content = node.content
            let all = try await posix { () throws(ClientError) in
                try await client.extendedAttributes(of: found.id)
            }
            // Changed while we asked.
            guard node.content == content, node.staged?.own == nil else { continue }
            let result = ExtendedAttributes(all)
            node.remember(result, of: found)
            return result
        }
    }
}

extension ExtendedAttributes {
    /// Without what is not for people.
    init(_ attributes: [ExtendedAttribute]) {
        self.init()
        for attribute in attributes where attribute.name != Self.origin { self[attribute.name] = attribute.value }
    }

    /// Changes them as a shard would.
    mutating func apply(_ changes: [ExtendedAttributeChange]) throws(FilesystemError) {
        var result = self
        for change in changes {
            let isThere = result[change.name] != nil
            if change.operation == .create, isThere { throw .exists }
            if change.operation == .replace || change.operation == .remove, !isThere { throw .noSuchAttribute }
            result[change.name] = change.operation.removes ? nil : change.value
        }
        guard result.bytes <= AttributeLimits.extendedBytes else { throw FilesystemError(ENOSPC) }
        self = result
    }
}

extension ExtendedAttributeUse {
    fileprivate var operation: ExtendedOperation {
        switch self {
        case .set: .set
        case .create: .create
        case .replace: .replace
        }
    }
}

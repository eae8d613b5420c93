import Protocol

// Owners, modes and extended attributes: per inode, and inherited by what takes a name over.

extension NamespaceModel {
    public struct Attributes: Equatable, Sendable {
        public var mode: UInt16?
        public var uid: UInt32?
        public var gid: UInt32?
        public var extended: [[UInt8]: [UInt8]] = [:]

        public init() {}

        /// Another program runs with nobody's rights but its caller's.
        mutating func losePrivileges() {
            if let mode { self.mode = mode & ~(mode & 0o010 == 0 ? 0o4000 : 0o6000) }
        }

        /// All or nothing.
        mutating func apply(_ change: InodeAttributeChange) throws(ProtocolError) {
            var new = self
            if change.ownership.mode != .max { new.mode = change.ownership.mode }
            if change.ownership.uid != .max { new.uid = change.ownership.uid }
            if change.ownership.gid != .max { new.gid = change.ownership.gid }
            for step in change.extended {
                let isThere = new.extended[step.name] != nil
                if step.operation == .create, isThere { throw .attributeExists }
                if step.operation == .replace || step.operation == .remove, !isThere { throw .attributeNotFound }
                new.extended[step.name] = step.operation.removes ? nil : step.value
            }
            if new.extended.reduce(0, { $0 + $1.key.count + $1.value.count + 16 }) > 4096 {
                throw .attributesTooLarge
            }
            self = new
        }
    }

    /// What a file begins with that gets a name, and what kind of file it is.
    /// - Parameter isFree: it may inherit from what has the name: that is of the same file, or it names no file.
    func beginning(
        of file: InodeID, in directory: InodeID, _ name: [UInt8], _ attributes: NamespaceRequest.Beginning?,
        isFree: Bool = true
    ) throws(ProtocolError) -> Attributes {
        let kind = attributes?.kind ?? SpecialFileKind.none
        if kind != .none, files[file]?.size != 0 { throw .badSpanBody }
        var beginning = Attributes()
        if attributes != nil { (beginning.mode, beginning.uid, beginning.gid) = (0o600, 9, 9) }
        let former = directories[directory]?.current[name]?.target ?? .null
        let inherits = attributes?.inherits ?? true
        if inherits, kind == .none, isFree || attributes == nil, former.shard == directory.shard,
            case .linked = files[former]?.state, files[former]?.kind == SpecialFileKind.none
        {
            beginning = self.attributes[former] ?? Attributes()
            if attributes == nil { beginning.losePrivileges() }
            beginning.extended[Array("security.capability".utf8)] = nil
        }
        // Nobody has asked the other shard what it had.
        if attributes == nil, former.type == .file, former.shard != directory.shard { beginning.mode = 0o600 }
        if let change = attributes?.change { try beginning.apply(change) }
        return beginning
    }

    /// A file takes the name of another one by a rename of somebody who knows of no attributes. It gets what that had if
    /// it has none.
    mutating func inherit(_ file: InodeID, from former: InodeID, in directory: InodeID) {
        let isPlain = attributes[file] ?? Attributes() == Attributes()
        guard file.type == .file, file.shard == directory.shard, former.type == .file, former != file, isPlain,
            files[file]?.kind == SpecialFileKind.none
        else { return }
        var inherited = Attributes()
        if former.shard != directory.shard {
            // Nobody has asked the other shard what it had.
            inherited.mode = 0o600
        } else if case .linked = files[former]?.state, files[former]?.kind == SpecialFileKind.none {
            inherited = attributes[former] ?? Attributes()
            inherited.losePrivileges()
            inherited.extended[Array("security.capability".utf8)] = nil
        }
        guard inherited != Attributes() else { return }
        attributes[file] = inherited
        changes[file, default: 0] += 1
    }

    /// Returns the inode that was meant.
    mutating func setAttributes(_ id: InodeID, _ change: InodeAttributeChange) throws(ProtocolError) -> InodeID {
        let meant = try changeable(id)
        var attributes = attributes[meant] ?? Attributes()
        try attributes.apply(change)
        self.attributes[meant] = attributes
        changes[meant, default: 0] += 1
        if meant.isFile { setTime(meant, change) } else { setTimes(of: meant, change) }
        return meant
    }

    /// The time of a file that a change gives, if it gives one.
    mutating func setTime(_ file: InodeID, _ change: InodeAttributeChange) {
        guard let time = Self.time(change.mtime) else { return }
        files[file]?.state = .linked(mtime: .exactly(time))
    }

    /// The times of a directory that a change gives. What was given before stays, the mtime only if the names did.
    mutating func setTimes(of id: InodeID, _ change: InodeAttributeChange) {
        let (modified, accessed) = (Self.time(change.mtime), Self.time(change.atime))
        guard modified != nil || accessed != nil, let version = directories[id]?.version else { return }
        let before = directoryTimes[id]
        directoryTimes[id] = DirectoryTimes(
            version: version, modified: modified ?? (before?.version == version ? before?.modified : nil),
            accessed: accessed ?? before?.accessed)
    }

    private static func time(_ field: UInt64) -> UInt64? { field >> 63 == 1 ? (field << 1) >> 1 : nil }

    /// A superseded version stands for the newest one of its file.
    private func changeable(_ id: InodeID) throws(ProtocolError) -> InodeID {
        if id.isDirectory {
            _ = try any(id)
            return id
        }
        switch files[id]?.state {
        case .linked: return id
        case .superseded:
            guard let number = files[id]?.number, let newest = newestVersion(of: number, in: id.shard) else {
                throw .fileNotFound
            }
            return newest
        case nil, .transient: throw .fileNotFound
        }
    }
}

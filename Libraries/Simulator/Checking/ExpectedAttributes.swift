import Protocol

/// What an inode has to show of its attributes.
struct ExpectedAttributes: Equatable {
    /// A time that is shown.
    enum Shown: Equatable {
        /// A directory's own time, by which caches know whether its names have changed.
        case own
        case given(Timestamp)
        /// What it was at a moment at which nobody looked.
        case unknown

        /// What stays the same from now on.
        func fixed(_ own: Timestamp) -> Shown { self == .own ? .given(own) : self }

        fileprivate func time(_ found: Timestamp, own: Timestamp) -> Timestamp {
            switch self {
            case .own: own
            case .given(let time): time
            case .unknown: found
            }
        }
    }

    var ownership = InodeOwnership.default
    var extended: [[UInt8]: [UInt8]] = [:]
    var kind = SpecialFileKind.none
    var device: UInt64 = 0
    var modified = Shown.own
    var accessed = Shown.own
    /// The last change; of a directory, the last one of something else than its names.
    var changed = Timestamp.zero

    /// Whether these are those of an ordinary file of which nobody has said whose it is.
    var isPlain: Bool { ownership == .default && extended.isEmpty && kind == .none }

    /// What a file has that takes the name of another one.
    /// - Parameters:
    ///   - shard: that of the file.
    ///   - known: what each inode has.
    mutating func inherit(
        from former: InodeID?, keepsPrivileges: Bool, in shard: ShardID, _ known: [InodeID: ExpectedAttributes]
    ) {
        guard let former, former.type == .file else { return }
        guard former.shard == shard else {
            // Nobody here knows what that has.
            if ownership == .default { ownership.mode = 0o600 }
            return
        }
        guard let given = known[former], given.kind == .none else { return }
        (ownership, extended) = (given.ownership, given.extended)
        extended[AttributeLimits.capability] = nil
        if !keepsPrivileges { ownership = ownership.withoutPrivileges }
    }

    /// What a shard did not refuse.
    /// - Parameter own: the inode's own time then.
    mutating func apply(_ change: InodeAttributeChange, at time: Timestamp, own: Timestamp) {
        ownership = ownership.changed(by: change.ownership)
        for step in change.extended {
            extended[step.name] = step.operation.removes ? nil : step.value
        }
        let times = (InodeAttributeChange.time(change.mtime), InodeAttributeChange.time(change.atime))
        if times.0 != nil || times.1 != nil {
            modified = times.0.map(Shown.given) ?? modified.fixed(own)
            accessed = times.1.map(Shown.given) ?? accessed.fixed(own)
        }
        changed = time
    }

    /// What has to be found where this was.
    func applied(to found: FoundAttributes) -> FoundAttributes {
        var expected = found
        (expected.ownership, expected.extended) = (ownership, extended)
        (expected.kind, expected.device) = (kind, device)
        expected.modified = modified.time(found.modified, own: found.own)
        expected.accessed = accessed.time(found.accessed, own: found.own)
        expected.changed = found.isDirectory ? max(changed, found.own) : changed
        return expected
    }
}

/// What an inode shows of its attributes.
struct FoundAttributes: Equatable {
    let isDirectory: Bool
    let own: Timestamp
    var ownership: InodeOwnership
    var extended: [[UInt8]: [UInt8]] = [:]
    var kind: SpecialFileKind
    var device: UInt64
    var modified: Timestamp
    var accessed: Timestamp
    var changed: Timestamp
    var holes: UInt64

    init(_ status: StatAttributesResponse) {
        isDirectory = status.id.isDirectory
        own = status.mtime
        ownership = status.ownership
        (kind, device) = (status.kind, status.device)
        (modified, accessed, changed) = (status.userMtime, status.atime, status.ctime)
        holes = status.holes
    }

    /// As what has to be found from now on.
    var expected: ExpectedAttributes {
        var expected = ExpectedAttributes(ownership: ownership, extended: extended, kind: kind, device: device)
        expected.modified = shown(modified)
        expected.accessed = shown(accessed)
        expected.changed = changed
        return expected
    }

    /// Of a directory's own time nobody can tell whether it was given.
    private func shown(_ time: Timestamp) -> ExpectedAttributes.Shown {
        isDirectory && time == own ? .unknown : .given(time)
    }
}

extension CoreReader {
    func attributes(of id: InodeID) -> FoundAttributes? {
        guard case .statAttributes(let status)? = read(.statAttributes(StatAttributesRequest(id: id, newest: false))),
            case .extendedAttributes(let page)? = read(
                .extendedAttributes(ExtendedAttributesRequest(id: id, offset: 0, mtu: 8972))),
            page.total == status.extendedBytes, page.version == status.extendedVersion
        else { return nil }
        var attributes = FoundAttributes(status)
        if page.part.isEmpty { return attributes }
        let list = page.part.withUnsafeBytes { raw in
            var reader = WireReader(raw)
            return try? reader.list(of: ExtendedAttribute.self)
        }
        guard let list else { return nil }
        for attribute in list { attributes.extended[attribute.name] = attribute.value }
        return attributes
    }
}

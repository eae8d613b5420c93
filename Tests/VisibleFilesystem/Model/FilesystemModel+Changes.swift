import Foundation

/// How a file is changed, as far as that matters to a filesystem that cannot do everything yet.
enum Change {
    /// At its end, without a gap or with one.
    case addition
    /// Everything is replaced by nothing.
    case replacement
    case edit
}

extension FilesystemModel {
    /// Changes what a mount shows of a file. False: it cannot be done today, or nothing is promised; nothing changes.
    /// - Parameter holders: how many have it open for this.
    mutating func change(
        _ file: FileID, on mount: Int, by process: Int, _ kind: Change, holders: Int = 1,
        _ body: (inout [UInt8]) -> Void
    ) -> Bool {
        guard var node = mounts[mount].nodes[file], !isTaken(file, byOtherThan: mount) else { return false }
        guard !dependsOnGroups(file, on: mount) else { return false }
        let isAlone = descriptorCount(file, on: mount) <= holders
        guard capabilities.contains(.editsAnywhere) || isPossible(kind, node, isAlone) else { return false }
        node.isStaged = true
        node.isAbandoned = false
        node.changers.insert(process)
        body(&node.content)
        mounts[mount].nodes[file] = node
        wrote(file, on: mount)
        if capabilities.contains(.isLocal) { publish(file, on: mount) }
        return true
    }

    /// Without `editsAnywhere`: a finished file is continued at its end or replaced, while nobody else looks.
    private func isPossible(_ kind: Change, _ node: Node, _ isAlone: Bool) -> Bool {
        if node.isUncertain { return false }
        return node.isStaged || kind != .edit && !node.isOrphan && isAlone
    }

    /// Whoever calls truncate(2) does not come back to close the file: what he did is wanted whatever becomes of
    /// others.
    static let nobody = -1

    // MARK: Sizes

    mutating func truncate(_ process: Int, _ slot: Int, _ size: Int) -> ExpectedReply? {
        guard let description = usable(process, slot), (0...Self.largestBytes).contains(size) else { return nil }
        guard description.access.canWrite else { return .reply(.failed(errno: EINVAL)) }
        return resize(description.file, on: description.mount, by: process, to: size, holders: 1)
    }

    mutating func truncate(_ process: Int, _ name: String, _ size: Int) throws(Refusal) -> ExpectedReply? {
        let mount = mount(of: process)
        guard Self.names.contains(name), (0...Self.largestBytes).contains(size) else { return nil }
        let file = try find(name, on: mount)
        try need(.write, of: file)
        let before = self
        if mounts[mount].nodes[file] == nil, let content = published[file] {
            mounts[mount].nodes[file] = Node(content: content)
        }
        let wasStaged = mounts[mount].nodes[file]?.isStaged == true
        guard let outcome = resize(file, on: mount, by: Self.nobody, to: size, holders: 0) else {
            self = before
            return nil
        }
        if mounts[mount].nodes[file]?.isStaged == true {
            if !isHeld(file, on: mount) || !wasStaged && !isHeldForWriting(file, on: mount) {
                publish(file, on: mount)
            } else if !wasStaged || !isHeldForWriting(file, on: mount) {
                // At once, or with what others write.
                mounts[mount].nodes[file]?.isUncertain = true
            }
        }
        dropUnused()
        return outcome
    }

    private mutating func resize(
        _ file: FileID, on mount: Int, by process: Int, to size: Int, holders: Int
    ) -> ExpectedReply? {
        guard let present = mounts[mount].nodes[file]?.content.count else { return nil }
        guard size != present else { return changesNothing(file, on: mount) ? .reply(.done) : nil }
        let kind: Change = size == 0 ? .replacement : size > present ? .addition : .edit
        let isChanged = change(file, on: mount, by: process, kind, holders: holders) { $0.resize(to: size) }
        return isChanged ? .reply(.done) : nil
    }

    mutating func allocate(
        _ process: Int, _ slot: Int, _ mode: Allocation, _ offset: Int, _ count: Int
    ) -> ExpectedReply? {
        guard capabilities.contains(.fallocate), let description = usable(process, slot), offset >= 0, count >= 0,
            offset + count <= Self.largestBytes
        else { return nil }
        guard count > 0 else { return .reply(.failed(errno: EINVAL)) }
        guard description.access.canWrite else { return .reply(.failed(errno: EBADF)) }
        // Linux takes the rights of a program, too; when a mount does is not said.
        let takesRights = !user.isRoot && hasProgramRights(description.file, on: description.mount)
        guard !takesRights || capabilities.contains(.isLocal) else { return nil }
        guard let present = mounts[description.mount].nodes[description.file]?.content.count else { return nil }
        let end = offset + count
        let extends = (mode == .plain || mode == .zeroRange) && end > present
        let zeros = mode != .plain && mode != .keepSize && offset < present
        guard extends || zeros else {
            return changesNothing(description.file, on: description.mount) ? .reply(.done) : nil
        }
        let kind: Change = zeros ? .edit : .addition
        let isChanged = change(description.file, on: description.mount, by: process, kind) { content in
            if extends { content.resize(to: end) }
            if zeros {
                let zeroed = offset..<min(end, content.count)
                content.replaceSubrange(zeroed, with: repeatElement(0, count: zeroed.count))
            }
        }
        return isChanged ? .reply(.done) : nil
    }

    // MARK: Attributes

    func fstat(_ process: Int, _ slot: Int) -> ExpectedReply? {
        guard let description = usable(process, slot) else { return nil }
        return status(description.file, on: description.mount)
    }

    func stat(_ process: Int, _ name: String) throws(Refusal) -> ExpectedReply? {
        let mount = mount(of: process)
        return status(try find(name, on: mount), on: mount)
    }

    private func status(_ file: FileID, on mount: Int) -> ExpectedReply? {
        guard let shown = shown(file, on: mount) else { return nil }
        let own = capabilities.contains(.permissions) ? shown : nil
        guard shown.kind == .file else { return .attributes(size: nil, file: file, own) }
        return content(of: file, on: mount).map { .attributes(size: $0.count, file: file, own) }
    }

    mutating func readAll(_ process: Int, _ name: String) throws(Refusal) -> ExpectedReply? {
        let mount = mount(of: process)
        guard Self.names.contains(name) else { return nil }
        let file = try find(name, on: mount)
        try need(.read, of: file)
        attributes[file]?.accessed = .unknown
        return content(of: file, on: mount).map { .reply(.bytes(Data($0))) }
    }

    func content(of file: FileID, on mount: Int) -> [UInt8]? { mounts[mount].nodes[file]?.content ?? published[file] }
}

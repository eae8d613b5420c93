import Foundation

extension FilesystemModel {
    mutating func open(
        _ process: Int, _ slot: Int, _ name: String, _ access: Access, _ flags: Set<OpenFlag>, _ mode: Int
    ) throws(Refusal) -> ExpectedReply? {
        // Nothing is promised about what is truncated by whoever cannot write.
        guard Self.names.contains(name), processes[process]?.descriptors[slot] == nil,
            !flags.contains(.truncate) || access.canWrite
        else { return nil }
        if flags.contains(.exclusive), !flags.contains(.create) { return nil }
        let mount = mount(of: process)
        try reach(name)
        let found = lookup(name, on: mount)
        let opened: FileID?
        if let found {
            opened = try show(found, name, on: mount, by: process, access, flags)
        } else {
            guard flags.contains(.create) else { throw Refusal(ENOENT) }
            opened = try create(name, mode, on: mount, by: process)
        }
        guard let file = opened else { return nil }
        let description = insert(
            OpenDescription(
                file: file, mount: mount, access: access, appends: flags.contains(.append), makes: found == nil))
        processes[process, default: ProcessState()].descriptors[slot] = description
        return .reply(.done)
    }

    /// Opens a file that is there. Nil: it is left out.
    private mutating func show(
        _ file: FileID, _ name: String, on mount: Int, by process: Int, _ access: Access, _ flags: Set<OpenFlag>
    ) throws(Refusal) -> FileID? {
        if flags.contains(.exclusive) { throw Refusal(EEXIST) }
        if flags.contains(.create), dependsOnProtection(file, name) { return nil }
        try need(access.rights, of: file)
        // The other mount may have a file that will take its name and is not closed yet.
        if access.canWrite, isTaken(file, byOtherThan: mount) || isTaken(name, byOtherThan: mount) { return nil }
        let before = self
        show(file, on: mount)
        if access.canRead { attributes[file]?.accessed = .unknown }
        if flags.contains(.truncate) {
            guard change(file, on: mount, by: process, .replacement, holders: 0, { $0 = [] }) else {
                self = before
                return nil
            }
        }
        return file
    }

    private mutating func create(
        _ name: String, _ mode: Int, on mount: Int, by process: Int
    ) throws(Refusal) -> FileID? {
        let made = try made(.file, name, mode, by: process)
        guard !isTaken(name, byOtherThan: mount) else { return nil }
        let file = newFile(made)
        mounts[mount].names[name] = file
        mounts[mount].nodes[file] = Node(content: [], isStaged: true, maker: process, changers: [process])
        namesChanged(by: name, isKnown: false)
        if capabilities.contains(.isLocal) { publish(file, on: mount) }
        return file
    }

    /// Makes a node for a file that a mount has not open yet.
    private mutating func show(_ file: FileID, on mount: Int) {
        guard mounts[mount].nodes[file] == nil, let content = published[file] else { return }
        mounts[mount].nodes[file] = Node(content: content)
    }

    mutating func dup(_ process: Int, _ slot: Int, _ copy: Int) -> ExpectedReply? {
        guard let description = processes[process]?.descriptors[slot],
            processes[process]?.descriptors[copy] == nil
        else { return nil }
        processes[process]?.descriptors[copy] = description
        return .reply(.done)
    }

    mutating func close(_ process: Int, _ slot: Int) -> ExpectedReply? {
        guard let description = description(process, slot) else { return nil }
        let id = processes[process]?.descriptors.removeValue(forKey: slot)
        let isLast = !processes.values.contains { $0.descriptors.values.contains { $0 == id } }
        released(
            description.file, on: description.mount, by: process,
            wrote: description.access.canWrite || description.makes, isLast: isLast)
        return .reply(.done)
    }

    // MARK: Reading and writing

    mutating func read(_ process: Int, _ slot: Int, _ count: Int, at offset: Int?) -> ExpectedReply? {
        guard let description = usable(process, slot), count >= 0, offset ?? 0 >= 0 else { return nil }
        guard description.access.canRead else { return .reply(.failed(errno: EBADF)) }
        guard let content = mounts[description.mount].nodes[description.file]?.content else { return nil }
        let start = min(offset ?? description.offset, content.count)
        let bytes = content[start..<min(start + count, content.count)]
        attributes[description.file]?.accessed = .unknown
        if offset == nil { move(process, slot, by: bytes.count) }
        return .reply(.bytes(Data(bytes)))
    }

    mutating func write(_ process: Int, _ slot: Int, _ tag: Int, _ count: Int, at offset: Int?) -> ExpectedReply? {
        guard let description = usable(process, slot), count >= 0, offset ?? 0 >= 0 else { return nil }
        guard description.access.canWrite else { return .reply(.failed(errno: EBADF)) }
        guard count > 0 else { return .reply(.number(0)) }
        guard let size = mounts[description.mount].nodes[description.file]?.content.count else { return nil }
        // Linux appends whatever pwrite(2) says.
        let start = description.appends ? size : offset ?? description.offset
        guard start + count <= Self.largestBytes else { return nil }
        let bytes = Pattern.bytes(tag, count)
        let kind: Change = start >= size ? .addition : .edit
        let isChanged = change(description.file, on: description.mount, by: process, kind) { $0.put(bytes, at: start) }
        guard isChanged else { return nil }
        if offset == nil { move(process, slot, to: start + count) }
        return .reply(.number(count))
    }

    mutating func seek(_ process: Int, _ slot: Int, _ whence: Whence, _ offset: Int) -> ExpectedReply? {
        guard let description = usable(process, slot) else { return nil }
        guard let size = mounts[description.mount].nodes[description.file]?.content.count else { return nil }
        let base =
            switch whence {
            case .start: 0
            case .current: description.offset
            case .end: size
            }
        guard base + offset >= 0 else { return .reply(.failed(errno: EINVAL)) }
        move(process, slot, to: base + offset)
        return .reply(.number(base + offset))
    }

    func find(_ process: Int, _ slot: Int, _ sought: Sought, _ offset: Int) -> ExpectedReply? {
        guard let description = usable(process, slot), offset >= 0 else { return nil }
        guard let content = mounts[description.mount].nodes[description.file]?.content else { return nil }
        guard offset < content.count else { return .reply(.failed(errno: ENXIO)) }
        return .found(sought, from: offset, in: content)
    }

    private mutating func move(_ process: Int, _ slot: Int, by count: Int) {
        guard let id = processes[process]?.descriptors[slot] else { return }
        descriptions[id]?.offset += count
    }

    private mutating func move(_ process: Int, _ slot: Int, to offset: Int) {
        guard let id = processes[process]?.descriptors[slot] else { return }
        descriptions[id]?.offset = offset
    }
}

extension [UInt8] {
    /// Writes bytes; a gap before them becomes zeros.
    mutating func put(_ bytes: [UInt8], at offset: Int) {
        if count < offset + bytes.count { resize(to: offset + bytes.count) }
        replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }

    mutating func resize(to size: Int) {
        if size < count { removeLast(count - size) } else { append(contentsOf: repeatElement(0, count: size - count)) }
    }
}

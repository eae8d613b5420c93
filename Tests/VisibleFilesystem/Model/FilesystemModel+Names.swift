import Foundation

extension FilesystemModel {
    mutating func list(_ process: Int) throws(Refusal) -> ExpectedReply? {
        for name in Self.fixedDirectories {
            let directory = try find(name, on: mount(of: process))
            try need(.read, of: directory)
            attributes[directory]?.accessed = .unknown
        }
        let own = mounts[mount(of: process)].names
        return .reply(.names(Set(own.keys).union(clusterNames.keys).sorted()))
    }

    mutating func rename(
        _ process: Int, _ from: String, _ to: String, _ replaces: Bool
    ) throws(Refusal) -> ExpectedReply? {
        let mount = mount(of: process)
        guard Self.kind(from) == Self.kind(to), Self.kind(from) != nil else { return nil }
        try reach(from)
        try reach(to)
        guard let file = lookup(from, on: mount) else { throw Refusal(ENOENT) }
        let displaced = lookup(to, on: mount)
        if !replaces, displaced != nil { throw Refusal(EEXIST) }
        guard from != to else { return .reply(.done) }
        try needToTake(from, from: file)
        if let displaced { try needToTake(to, from: displaced) } else { try need(.changeNames, of: parent(of: to)) }
        // Its name of its parent is in it.
        if attributes[file]?.kind == .directory, parent(of: from) != parent(of: to) { try need(.write, of: file) }
        guard !isTaken(from, byOtherThan: mount), !isTaken(to, byOtherThan: mount) else { return nil }
        let isNew = mounts[mount].names[from] != nil
        if !capabilities.contains(.editsAnywhere), !isNew, mounts[mount].nodes[file]?.isStaged == true { return nil }
        if mounts[mount].nodes[file]?.isUncertain == true || isUncertain(displaced, mount) { return nil }
        if let displaced { disown(displaced, on: mount) }
        namesChanged(by: from, isKnown: !isNew)
        namesChanged(by: to, isKnown: !isNew)
        mounts[mount].names[from] = nil
        mounts[mount].names[to] = nil
        let old = clusterNames.removeValue(forKey: from)
        if isNew {
            // Published files keep the name that it will take; one that it was to replace under its old name goes.
            if let old { lost(old, on: mount) }
            mounts[mount].names[to] = file
        } else {
            if let other = clusterNames[to] { lost(other, on: mount) }
            clusterNames[to] = file
            for (id, description) in descriptions where description.file == file && description.mount != mount {
                descriptions[id]?.isMoved = true
            }
        }
        return .reply(.done)
    }

    mutating func unlink(_ process: Int, _ name: String) throws(Refusal) -> ExpectedReply? {
        guard let kind = Self.kind(name), kind != .directory else { return nil }
        return try remove(process, name)
    }

    mutating func rmdir(_ process: Int, _ name: String) throws(Refusal) -> ExpectedReply? {
        guard Self.kind(name) == .directory else { return nil }
        return try remove(process, name)
    }

    private mutating func remove(_ process: Int, _ name: String) throws(Refusal) -> ExpectedReply? {
        let mount = mount(of: process)
        let file = try find(name, on: mount)
        try needToTake(name, from: file)
        guard !isTaken(name, byOtherThan: mount), !isUncertain(file, mount) else { return nil }
        namesChanged(by: name, isKnown: clusterNames[name] == file)
        disown(file, on: mount)
        mounts[mount].names[name] = nil
        if let old = clusterNames.removeValue(forKey: name) { lost(old, on: mount) }
        return .reply(.done)
    }

    /// Makes a directory or a symbolic link, which is there at once.
    mutating func make(
        _ process: Int, _ name: String, _ kind: Attributes.Kind, _ mode: Int
    ) throws(Refusal) -> ExpectedReply? {
        guard capabilities.contains(.permissions), Self.kind(name) == kind else { return nil }
        try reach(name)
        guard lookup(name, on: mount(of: process)) == nil else { throw Refusal(EEXIST) }
        let file = newFile(try made(kind, name, mode, by: process))
        clusterNames[name] = file
        published[file] = []
        namesChanged(by: name, isKnown: true)
        return .reply(.done)
    }

    /// What a name always stands for if it is there.
    static func kind(_ name: String) -> Attributes.Kind? {
        if names.contains(name) { return .file }
        if directoryNames.contains(name) { return .directory }
        return linkNames.contains(name) ? .link : nil
    }

    private func isUncertain(_ file: FileID?, _ mount: Int) -> Bool {
        file.flatMap { mounts[mount].nodes[$0]?.isUncertain } == true
    }

    /// A file loses its name on a mount; whoever has it open there goes on.
    private mutating func disown(_ file: FileID, on mount: Int) { mounts[mount].nodes[file]?.isOrphan = true }

    /// A published file has lost its name at the cluster, by something that this mount did.
    mutating func lost(_ file: FileID, on mount: Int) {
        outdate(file, exceptOn: mount)
        disown(file, on: mount)
        published[file] = nil
    }
}

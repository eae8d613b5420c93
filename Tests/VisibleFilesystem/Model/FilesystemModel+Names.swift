import Foundation

extension FilesystemModel {
    func list(_ process: Int) -> ExpectedReply? {
        let own = mounts[mount(of: process)].names
        return .reply(.names(Set(own.keys).union(clusterNames.keys).sorted()))
    }

    mutating func rename(_ process: Int, _ from: String, _ to: String, _ replaces: Bool) -> ExpectedReply? {
        let mount = mount(of: process)
        guard let file = lookup(from, on: mount) else { return .reply(.failed(errno: ENOENT)) }
        let displaced = lookup(to, on: mount)
        if !replaces, displaced != nil { return .reply(.failed(errno: EEXIST)) }
        guard from != to else { return .reply(.done) }
        guard !isTaken(from, byOtherThan: mount), !isTaken(to, byOtherThan: mount) else { return nil }
        let isNew = mounts[mount].names[from] != nil
        if !capabilities.contains(.editsAnywhere), !isNew, mounts[mount].nodes[file]?.isStaged == true { return nil }
        if mounts[mount].nodes[file]?.isUncertain == true || isUncertain(displaced, mount) { return nil }
        if let displaced { disown(displaced, on: mount) }
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
        }
        return .reply(.done)
    }

    mutating func unlink(_ process: Int, _ name: String) -> ExpectedReply? {
        let mount = mount(of: process)
        guard let file = lookup(name, on: mount) else { return .reply(.failed(errno: ENOENT)) }
        guard !isTaken(name, byOtherThan: mount), !isUncertain(file, mount) else { return nil }
        disown(file, on: mount)
        mounts[mount].names[name] = nil
        if let old = clusterNames.removeValue(forKey: name) { lost(old, on: mount) }
        return .reply(.done)
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

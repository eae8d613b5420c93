import Foundation

// Steps that change attributes.

extension FilesystemModel {
    mutating func umask(_ process: Int, _ mask: Int) -> ExpectedReply? {
        guard capabilities.contains(.permissions) else { return nil }
        processes[process, default: ProcessState()].umask = mask & 0o777
        return .reply(.done)
    }

    func extended(_ process: Int, _ target: Target) throws(Refusal) -> ExpectedReply? {
        guard capabilities.contains(.permissions), let file = try find(process, target) else { return nil }
        return try attributes[file].map { known throws(Refusal) in
            .reply(.extended(try known.allExtended(by: user)))
        }
    }

    func access(_ process: Int, _ name: String, _ rights: Rights) throws(Refusal) -> ExpectedReply? {
        // The rights of what a link leads to are looked at.
        guard capabilities.contains(.permissions), Self.kind(name) != .link else { return nil }
        try need(rights, of: try find(name, on: mount(of: process)))
        return .reply(.done)
    }

    mutating func alter(_ process: Int, _ call: Call) throws(Refusal) -> ExpectedReply? {
        let user = user
        switch call {
        case .chmod(let target, let mode):
            // Of a link it cannot be changed.
            guard !isLink(target) else { return nil }
            return try alter(process, target, .mode) { known throws(Refusal) in try known.changeMode(mode, by: user) }
        case .chown(let target, let owner, let group):
            guard owner != nil || group != nil else { return nil }
            if let file = try find(process, target), dependsOnGroups(file, on: mount(of: process)) { return nil }
            return try alter(process, target, .mode) { known throws(Refusal) in
                try known.changeOwner(owner, group, by: user)
            }
        case .setTimes(let target, let accessed, let modified):
            return try setTimes(process, target, accessed, modified)
        case .setExtended(let target, let name, let tag, let count, let use):
            let value = Pattern.bytes(tag, count)
            return try alter(process, target, .others) { known throws(Refusal) in
                try known.setExtended(name, value, use, by: user)
            }
        case .removeExtended(let target, let name):
            return try alter(process, target, .others) { known throws(Refusal) in
                try known.setExtended(name, nil, .replace, by: user)
            }
        case .setList(let target, let kind, let list):
            guard !isLink(target) else { return nil }
            let changed: Changed = kind == .access && list != nil ? .mode : .others
            return try alter(process, target, changed) { known throws(Refusal) in
                try known.set(list, kind, by: user)
            }
        default: return nil
        }
    }

    private mutating func setTimes(
        _ process: Int, _ target: Target, _ accessed: TimeChoice, _ modified: TimeChoice
    ) throws(Refusal) -> ExpectedReply? {
        let user = user
        guard accessed != .omit || modified != .omit else { return nil }
        guard let file = try find(process, target) else { return nil }
        // Those of what is being written there are published with it.
        guard !isTaken(file, byOtherThan: mount(of: process)) else { return nil }
        // That it was used now the kernel lets say whom it takes for the owner.
        guard accessed.isChosen || modified.isChosen || !dependsOnMemory(process, target) else { return nil }
        let isLocal = capabilities.contains(.isLocal)
        // What was stored in a mapping may be a change of any later moment.
        let isMapped = processes.values.contains { $0.mappings.values.contains { $0.file == file && $0.writes } }
        return try alter(process, target, .others) { known throws(Refusal) in
            try known.setTimes(accessed: accessed, modified: modified, by: user)
            if !isLocal, accessed.isBefore1970 || modified.isBefore1970 { throw Refusal(EINVAL) }
            if isMapped { known.modified = .unknown }
        }
    }

    /// Whether the mode is among what changes.
    private enum Changed {
        case mode, others
    }

    private mutating func alter(
        _ process: Int, _ target: Target, _ what: Changed,
        _ body: (inout Attributes) throws(Refusal) -> Void
    ) throws(Refusal) -> ExpectedReply? {
        let mount = mount(of: process)
        guard capabilities.contains(.permissions), let file = try find(process, target),
            let stored = attributes[file], let shown = shown(file, on: mount)
        else { return nil }
        // Nothing is promised of what another file is about to replace, and through descriptors of what was renamed
        // elsewhere.
        guard published[file] == nil || mounts[mount].nodes[file]?.isOrphan != true, !isMoved(process, target) else {
            return nil
        }
        var changed = stored
        (changed.mode, changed.doubtful) = (shown.mode, shown.doubtful)
        try body(&changed)
        // It may be refused to whoever has it now, and to nobody else given.
        guard !dependsOnMemory(process, target) else { return nil }
        switch what {
        case .mode:
            // Whether what is published there has them is not said.
            let isLosing = mounts.indices.contains {
                $0 != mount && mounts[$0].nodes[file]?.losesProgramRights == true
            }
            guard !isLosing || changed.mode & Attributes.programRights == 0 else { return nil }
            mounts[mount].nodes[file]?.losesProgramRights = false
        case .others: (changed.mode, changed.doubtful) = (stored.mode, stored.doubtful)
        }
        attributes[file] = changed
        if (changed.owner, changed.group) != (stored.owner, stored.group) { gave(file, on: mount) }
        return .reply(.done)
    }

    /// A file has another owner or group, as the other mount's kernel does not know where it is open.
    private mutating func gave(_ file: FileID, on mount: Int) {
        for (id, description) in descriptions where description.file == file && description.mount != mount {
            descriptions[id]?.isGiven = true
        }
    }

    /// Whether a kernel may judge by what a file was before the other mount gave it away. That lets nobody do anything.
    private func dependsOnMemory(_ process: Int, _ target: Target) -> Bool {
        guard case .slot(let slot) = target, !user.isRoot else { return false }
        return description(process, slot)?.isGiven == true
    }

    /// What a target leads to; nil: its slot is empty, or that is not looked at any more.
    private func find(_ process: Int, _ target: Target) throws(Refusal) -> FileID? {
        switch target {
        case .name(let name): try find(name, on: mount(of: process))
        case .slot(let slot): usable(process, slot)?.file
        }
    }

    private func isMoved(_ process: Int, _ target: Target) -> Bool {
        if case .slot(let slot) = target { description(process, slot)?.isMoved == true } else { false }
    }

    private func isLink(_ target: Target) -> Bool {
        if case .name(let name) = target { Self.kind(name) == .link } else { false }
    }
}

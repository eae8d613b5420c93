// Who holds what.

extension FilesystemModel {
    func lookup(_ name: String, on mount: Int) -> FileID? { mounts[mount].names[name] ?? clusterNames[name] }

    func description(_ process: Int, _ slot: Int) -> OpenDescription? {
        processes[process]?.descriptors[slot].flatMap { descriptions[$0] }
    }

    /// The description that a call uses; nil: the slot is empty, or what it leads to is not looked at any more.
    func usable(_ process: Int, _ slot: Int) -> OpenDescription? {
        description(process, slot).flatMap { $0.isStale ? nil : $0 }
    }

    func isHeld(_ file: FileID, on mount: Int) -> Bool {
        processes.keys.contains { isHeld(file, on: mount, by: $0) }
    }

    func isHeld(_ file: FileID, on mount: Int, by process: Int) -> Bool {
        hasDescriptor(process, file, mount)
            || processes[process]?.mappings.values.contains { $0.file == file && $0.mount == mount } == true
    }

    func isHeldForWriting(_ file: FileID, on mount: Int) -> Bool {
        processes.keys.contains { isHeldForWriting(file, on: mount, by: $0) }
    }

    func isHeldForWriting(_ file: FileID, on mount: Int, by process: Int) -> Bool {
        hasWritingDescriptor(process, file, mount)
            || processes[process]?.mappings.values.contains {
                $0.file == file && $0.mount == mount && $0.writes
            } == true
    }

    func hasWritingDescriptor(_ process: Int, _ file: FileID, _ mount: Int) -> Bool {
        processes[process]?.descriptors.values.contains {
            isOn(file, mount, $0) && descriptions[$0]?.access.canWrite == true
        } == true
    }

    func hasDescriptor(_ process: Int, _ file: FileID, _ mount: Int) -> Bool {
        processes[process]?.descriptors.values.contains { isOn(file, mount, $0) } == true
    }

    private func isOn(_ file: FileID, _ mount: Int, _ id: Int) -> Bool {
        descriptions[id].map { $0.file == file && $0.mount == mount } == true
    }

    func descriptorCount(_ file: FileID, on mount: Int) -> Int {
        descriptions.values.count { $0.file == file && $0.mount == mount }
    }

    /// Whether another mount has something to do with a name that would turn a change of it into a conflict.
    func isTaken(_ name: String, byOtherThan mount: Int) -> Bool {
        mounts.indices.contains { other in
            guard other != mount else { return false }
            if mounts[other].names[name] != nil { return true }
            return clusterNames[name].map { isTaken($0, byOtherThan: mount) } == true
        }
    }

    func isTaken(_ file: FileID, byOtherThan mount: Int) -> Bool {
        mounts.indices.contains { other in
            other != mount && (isHeldForWriting(file, on: other) || mounts[other].nodes[file]?.isStaged == true)
        }
    }

    /// Whoever holds a file on another mount has something old now.
    mutating func outdate(_ file: FileID, exceptOn mount: Int) {
        for (id, description) in descriptions where description.file == file && description.mount != mount {
            descriptions[id]?.isStale = true
        }
        for (process, state) in processes {
            for (slot, mapping) in state.mappings where mapping.file == file && mapping.mount != mount {
                processes[process]?.mappings[slot]?.isStale = true
            }
        }
        for other in mounts.indices where other != mount {
            if let content = published[file] { mounts[other].nodes[file]?.content = content }
        }
    }

    /// Forgets a description that no descriptor refers to, and a node that nobody holds.
    mutating func dropUnused() {
        let used = Set(processes.values.flatMap(\.descriptors.values))
        descriptions = descriptions.filter { used.contains($0.key) }
        for mount in mounts.indices {
            for file in mounts[mount].nodes.keys where !isHeld(file, on: mount) { mounts[mount].nodes[file] = nil }
        }
    }
}

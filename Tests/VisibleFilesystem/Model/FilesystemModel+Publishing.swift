import Foundation

extension FilesystemModel {
    /// What a mount shows of a file becomes what the cluster has.
    mutating func publish(_ file: FileID, on mount: Int) {
        guard var node = mounts[mount].nodes[file] else { return }
        node.isStaged = false
        node.isUncertain = false
        node.isAbandoned = false
        node.changers = []
        node.isStored = false
        node.maker = nil
        if node.losesProgramRights { attributes[file]?.takeProgramRights(keepsGroup: true) }
        node.losesProgramRights = false
        for id in descriptions.keys where descriptions[id]?.file == file { descriptions[id]?.makes = false }
        mounts[mount].nodes[file] = node
        guard !node.isOrphan else { return }
        if let name = mounts[mount].names.first(where: { $0.value == file })?.key {
            mounts[mount].names[name] = nil
            if let old = clusterNames[name] { lost(old, on: mount) }
            clusterNames[name] = file
            namesChanged(by: name, isKnown: false)
        }
        published[file] = node.content
        outdate(file, exceptOn: mount)
    }

    mutating func fsync(_ process: Int, _ slot: Int) -> ExpectedReply? {
        guard let description = usable(process, slot) else { return nil }
        synchronize(description.file, on: description.mount)
        return .reply(.done)
    }

    mutating func synchronize(_ file: FileID, on mount: Int) {
        guard mounts[mount].nodes[file]?.isStaged == true else { return }
        if capabilities.contains(.fsyncPublishes) {
            publish(file, on: mount)
        } else {
            mounts[mount].nodes[file]?.isStored = true
        }
    }

    /// A process has closed a descriptor or a mapping: the last that could write publishes.
    /// - Parameter isLast: no other descriptor stands for the same open file.
    mutating func released(_ file: FileID, on mount: Int, by process: Int, wrote: Bool, isLast: Bool = true) {
        defer { dropUnused() }
        guard let node = mounts[mount].nodes[file], node.isStaged else { return }
        // What close(2) has said 0 for is not lost with whoever goes on and is killed.
        if wrote, node.changers.contains(process), isLast {
            mounts[mount].nodes[file]?.changers.insert(Self.nobody)
        }
        if isKept(file, on: mount) {
            let matters = wrote || node.maker == process && node.changers.contains(process)
            if matters, !hasWritingDescriptor(process, file, mount) { mounts[mount].nodes[file]?.isUncertain = true }
        } else if isHeld(file, on: mount), !wrote || !capabilities.contains(.editsAnywhere) {
            mounts[mount].nodes[file]?.isUncertain = true
        } else if node.isAbandoned {
            _ = scrap(file, on: mount, mayAppear: false)
        } else {
            publish(file, on: mount)
        }
    }

    /// Whether somebody has it open who can publish it: to write, or because he made it.
    private func isKept(_ file: FileID, on mount: Int) -> Bool {
        if isHeldForWriting(file, on: mount) { return true }
        return mounts[mount].nodes[file]?.maker.map { hasDescriptor($0, file, mount) } == true
    }

    mutating func handOver(to mount: Int) -> ExpectedReply? {
        guard capabilities.contains(.secondMount), mount != activeMount, !isAnythingUncertain else { return nil }
        activeMount = mount
        return .reply(.done)
    }

    private var isAnythingUncertain: Bool { mounts.contains { $0.nodes.values.contains { $0.isUncertain } } }

    // MARK: Violence

    /// Nothing appears of what a killed process has written since it was published, unless somebody else goes on
    /// writing.
    mutating func kill(_ process: Int) -> ExpectedReply? {
        guard capabilities.contains(.kills), let state = processes[process] else { return nil }
        let mount = mount(of: process)
        let before = self
        processes[process] = nil
        forgetTimesOfDirectories()
        var expected: [NameExpectation] = []
        for file in mounts[mount].nodes.keys.sorted() where before.isHeld(file, on: mount, by: process) {
            guard let node = mounts[mount].nodes[file], node.isStaged else { continue }
            guard isClear(node, file, mount) else {
                self = before
                return nil
            }
            guard !isKept(file, on: mount) else {
                mounts[mount].nodes[file]?.changers.remove(process)
                if mounts[mount].nodes[file]?.changers.isEmpty == true { mounts[mount].nodes[file]?.isAbandoned = true }
                continue
            }
            let mapped = state.mappings.values.contains { $0.file == file && $0.writes }
            expected += scrap(file, on: mount, mayAppear: mapped)
        }
        dropUnused()
        return .names(expected)
    }

    /// Whether it is certain what becomes of a file one of whose holders was killed.
    private func isClear(_ node: Node, _ file: FileID, _ mount: Int) -> Bool {
        if isKept(file, on: mount) {
            // Pages of a mapping come through anybody's descriptor.
            let isMapped = processes.values.contains { $0.mappings.values.contains { $0.file == file && $0.writes } }
            return capabilities.contains(.editsAnywhere) && !node.isUncertain && !isMapped
        }
        if node.isUncertain || node.isStored || node.changers.contains(Self.nobody) { return false }
        if capabilities.contains(.editsAnywhere) { return true }
        let replaces = mounts[mount].names.contains { $0.value == file && clusterNames[$0.key] != nil }
        return !isHeld(file, on: mount) && !replaces
    }

    /// Whoever wrote it is gone.
    /// - Parameter mayAppear: pages of a mapping may have been written back and published by the kernel.
    private mutating func scrap(_ file: FileID, on mount: Int, mayAppear: Bool) -> [NameExpectation] {
        guard let node = mounts[mount].nodes[file] else { return [] }
        let own = mounts[mount].names.first { $0.value == file }?.key
        let name = own ?? clusterNames.first { $0.value == file }?.key
        if let own { mounts[mount].names[own] = nil }
        guard !node.isOrphan, let name else {
            mounts[mount].nodes[file]?.isStaged = false
            // What somebody still reads of it is his affair.
            for (id, description) in descriptions where description.file == file { descriptions[id]?.isStale = true }
            return []
        }
        if let doubtful = shown(file, on: nil)?.doubtful { attributes[file]?.doubtful = doubtful }
        attributes[file]?.modified = .unknown
        var stands = appearance(clusterNames[name])
        if own != nil, let former = clusterNames[name], mounts[mount].nodes[former] != nil {
            // It was renamed over one that somebody has open, who has the name again now.
            mounts[mount].nodes[former]?.isOrphan = false
            stands = appearance(former, on: mount)
        }
        let appears = appearance(file, on: mount)
        if own == nil, let stands {
            mounts[mount].nodes[file] = Node(content: stands.content)
        } else {
            mounts[mount].nodes[file]?.isStaged = false
            mounts[mount].nodes[file]?.isOrphan = true
            for (id, description) in descriptions where description.file == file { descriptions[id]?.isStale = true }
        }
        return [NameExpectation(name: name, alternatives: mayAppear ? [stands, appears] : [stands])]
    }

    /// The mount dies: what is published is there, what is not may be, whole.
    mutating func crash(_ process: Int) -> ExpectedReply? {
        guard capabilities.contains(.crashes), !isAnythingUncertain else { return nil }
        let mount = mount(of: process)
        forgetTimesOfDirectories()
        let expected = Self.names.filter { lookup($0, on: mount) != nil }.map { name in
            var alternatives = [appearance(clusterNames[name])]
            if let file = lookup(name, on: mount), mounts[mount].nodes[file]?.isStaged == true {
                attributes[file]?.modified = .unknown
                alternatives = [appearance(clusterNames[name]), appearance(file, on: mount)]
            }
            return NameExpectation(name: name, alternatives: alternatives)
        }
        for other in processes.keys where self.mount(of: other) == mount { processes[other] = nil }
        mounts[mount] = MountView()
        dropUnused()
        return .names(expected)
    }

    /// What a file is at the cluster.
    private func appearance(_ file: FileID?) -> Appearance? {
        file.flatMap { file in published[file].map { Appearance(file, $0, reported(shown(file, on: nil))) } }
    }

    /// What a mount shows of a file.
    private func appearance(_ file: FileID, on mount: Int) -> Appearance? {
        content(of: file, on: mount).map { Appearance(file, $0, reported(shown(file, on: mount))) }
    }

    private func reported(_ attributes: Attributes?) -> Attributes? {
        capabilities.contains(.permissions) ? attributes : nil
    }

    /// What was found under a name about which more than one thing was right.
    public mutating func adopt(_ name: String, _ found: Appearance?) {
        guard let found else { return }
        let mount = activeMount
        attributes[found.file]?.accessed = .unknown
        if clusterNames[name] == found.file {
            // Somebody goes on with it.
            guard mounts[mount].nodes[found.file]?.isStaged != true else { return }
            if let known = found.attributes {
                attributes[found.file]?.mode = known.mode
                attributes[found.file]?.doubtful = known.doubtful
            }
            guard published[found.file] != found.content else { return }
            published[found.file] = found.content
            mounts[mount].nodes[found.file]?.content = found.content
            outdate(found.file, exceptOn: mount)
        } else {
            if let old = clusterNames[name] { lost(old, on: mount) }
            let known = attributes[found.file] ?? found.attributes
            guard let known else { return }
            // It may have another number than it had before.
            let file = newFile(known)
            clusterNames[name] = file
            published[file] = found.content
        }
    }

    /// Whether a file has been published, and has a name still.
    public func isPublished(_ file: FileID) -> Bool { published[file] != nil }

    // MARK: The end

    /// Closes what is open on the mount that is used now, and looks at everything through each mount.
    public func epilogue() -> [Step] {
        var steps: [Step] = []
        func closing(_ mount: Int) {
            for process in processes.keys.sorted() where self.mount(of: process) == mount {
                guard let state = processes[process] else { continue }
                steps += state.mappings.keys.sorted().map { Step(process, .unmap(mapping: $0)) }
                steps += state.descriptors.keys.sorted().map { Step(process, .close(slot: $0)) }
            }
        }
        let names = mounts.reduce(Set(clusterNames.keys)) { $0.union($1.names.keys) }.sorted()
        func looking(_ process: Int) {
            // Reading moves access times.
            if capabilities.contains(.permissions) {
                steps += (Self.fixedDirectories + names).flatMap {
                    [Step(process, .stat(name: $0)), Step(process, .extended(.name($0)))]
                }
            }
            steps.append(Step(process, .list))
            steps += Self.names.map { Step(process, .readAll(name: $0)) }
        }
        let users = capabilities.contains(.secondMount) ? [0, 2] : [0]
        let order = activeMount == 0 ? users : users.reversed()
        for process in order + order.dropLast().reversed() {
            steps.append(Step(process, .handOver))
            closing(mount(of: process))
            looking(process)
        }
        return steps
    }
}

import Glibc

extension VolatileDisk {
    private static let longestName = 255

    package func makeFile(
        _ name: [UInt8], in directory: Node, mode: UInt32, owner: (UInt32, UInt32) = (0, 0)
    ) throws(DiskError) -> Node {
        try checkIsFree(name, directory)
        let node = newNode(mode: S_IFREG | mode & 0o7777, owner: owner, newFile())
        change([.init(directory: directory, name: name, old: nil, new: node)])
        return node
    }

    package func makeDirectory(
        _ name: [UInt8], in directory: Node, mode: UInt32, owner: (UInt32, UInt32) = (0, 0)
    ) throws(DiskError) -> Node {
        try checkIsFree(name, directory)
        let node = newNode(mode: S_IFDIR | mode & 0o7777, owner: owner, nil)
        change([.init(directory: directory, name: name, old: nil, new: node)])
        return node
    }

    package func link(_ node: Node, _ name: [UInt8], in directory: Node) throws(DiskError) {
        try check(node)
        guard !node.isDirectory else { throw DiskError(EPERM) }
        try checkIsFree(name, directory)
        change([.init(directory: directory, name: name, old: nil, new: node)])
    }

    package func unlink(_ name: [UInt8], in directory: Node) throws(DiskError) {
        let node = try lookUp(name, in: directory)
        guard !node.isDirectory else { throw DiskError(EISDIR) }
        change([.init(directory: directory, name: name, old: node, new: nil)])
    }

    package func removeDirectory(_ name: [UInt8], in directory: Node) throws(DiskError) {
        let node = try lookUp(name, in: directory)
        guard node.isDirectory else { throw DiskError(ENOTDIR) }
        guard node.entries.isEmpty else { throw DiskError(ENOTEMPTY) }
        change([.init(directory: directory, name: name, old: node, new: nil)])
    }

    package func rename(
        _ oldName: [UInt8], in oldDirectory: Node, to newName: [UInt8], in newDirectory: Node, replaces: Bool = true
    ) throws(DiskError) {
        let node = try lookUp(oldName, in: oldDirectory)
        try checkName(newName, newDirectory)
        var above: Node? = newDirectory
        while let directory = above {
            if directory === node { throw DiskError(EINVAL) }
            above = directory.parent
        }
        let target = newDirectory.entries[newName]
        if let target {
            guard replaces else { throw DiskError(EEXIST) }
            if target === node { return }
            guard target.isDirectory == node.isDirectory else {
                throw DiskError(target.isDirectory ? EISDIR : ENOTDIR)
            }
            guard target.entries.isEmpty else { throw DiskError(ENOTEMPTY) }
        }
        change([
            .init(directory: oldDirectory, name: oldName, old: node, new: nil),
            .init(directory: newDirectory, name: newName, old: target, new: node),
        ])
    }

    private func checkIsFree(_ name: [UInt8], _ directory: Node) throws(DiskError) {
        try checkName(name, directory)
        guard directory.entries[name] == nil else { throw DiskError(EEXIST) }
        guard !isFull(directory) else { throw DiskError(ENOSPC) }
    }

    private func checkName(_ name: [UInt8], _ directory: Node) throws(DiskError) {
        try check(directory)
        guard directory.isDirectory else { throw DiskError(ENOTDIR) }
        guard name.count <= Self.longestName else { throw DiskError(ENAMETOOLONG) }
        // A directory that was removed and is still somebody's working directory.
        guard directory.links > 0 else { throw DiskError(ENOENT) }
    }

    private func change(_ steps: [NameChange.Step]) {
        for step in steps {
            step.directory.entries[step.name] = step.new
            step.directory.touch()
            step.old?.links -= 1
            step.new?.links += 1
            if let new = step.new { (new.parent, new.name) = (step.directory, step.name) }
        }
        pending.append(NameChange(steps: steps))
        // A journal is written every few seconds, from its beginning.
        if happensToWriteBack() { persistFirst(Int.random(in: 0...pending.count, using: &random)) }
    }

    // MARK: The medium

    /// What was changed in a directory becomes durable, and what that builds on.
    func syncNames(in directory: Node) {
        var ties = NameTies()
        var left: [NameChange] = []
        var durable: [NameChange] = []
        for change in pending.reversed() {
            if change.touches(directory) || ties.tie(change) {
                ties.insert(change)
                durable.append(change)
            } else {
                left.append(change)
            }
        }
        durable.reversed().forEach(persist)
        pending = left.reversed()
    }

    private func persistFirst(_ count: Int) {
        pending.prefix(count).forEach(persist)
        pending.removeFirst(count)
    }

    func persist(_ change: NameChange) {
        for step in change.steps { step.directory.durableEntries[step.name] = step.new }
    }
}

import Chance

extension VolatileDisk {
    /// Everything below a directory is as it is on the medium, when whoever used it has no power any more. Files and
    /// directories below it are other ones from now on; the directory itself stays.
    package func cutPower(below directory: Node, _ survival: Survival) throws(DiskError) -> Losses {
        try check(directory)
        countCut()
        var losses = Losses()
        var random = random
        defer { self.random = random }
        let affected = everything(below: directory)
        forgetNames(in: affected, survival, &losses, &random)
        var renewals: [ObjectIdentifier: Node] = [ObjectIdentifier(directory): directory]
        try renew(directory, &renewals, survival, &losses, &random)
        for node in affected.values where node !== directory { node.isGone = true }
        return losses
    }

    /// Everything below a directory becomes durable, as before an orderly shutdown.
    package func syncAll(below directory: Node) throws(DiskError) {
        for node in everything(below: directory).values {
            if let file = node.file { try file.sync() } else { syncNames(in: node) }
        }
    }

    /// All nodes that programs, the medium or changes on their way to it know, the directory among them.
    private func everything(below directory: Node) -> [ObjectIdentifier: Node] {
        var changed: [ObjectIdentifier: [Node]] = [:]
        for step in pending.flatMap(\.steps) {
            changed[ObjectIdentifier(step.directory), default: []] += [step.old, step.new].compactMap(\.self)
        }
        var found: [ObjectIdentifier: Node] = [:]
        var open = [directory]
        while let node = open.popLast() {
            guard found.updateValue(node, forKey: ObjectIdentifier(node)) == nil else { continue }
            open += node.entries.values
            open += node.durableEntries.values
            open += changed[ObjectIdentifier(node)] ?? []
        }
        return found
    }

    /// Decides which changes made it; one that builds on a lost one did not.
    private func forgetNames(
        in affected: [ObjectIdentifier: Node], _ survival: Survival, _ losses: inout Losses,
        _ random: inout SplitMix
    ) {
        var left: [NameChange] = []
        var lost = NameTies()
        for change in pending {
            if !change.steps.contains(where: { affected[ObjectIdentifier($0.directory)] != nil }) {
                left.append(change)
            } else if survival.decides(&random), !lost.tie(change) {
                persist(change)
            } else {
                lost.insert(change)
                losses.names += 1
            }
        }
        pending = left
    }

    /// Makes what is below a directory anew from the medium.
    private func renew(
        _ directory: Node, _ renewals: inout [ObjectIdentifier: Node], _ survival: Survival, _ losses: inout Losses,
        _ random: inout SplitMix
    ) throws(DiskError) {
        // In the order of names, so that a seed means the same each time.
        let old = directory.durableEntries.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        directory.entries = [:]
        for (name, node) in old {
            let new: Node
            if let known = renewals[ObjectIdentifier(node)] {
                new = known
            } else {
                new = renewed(node, try node.file.map { file throws(DiskError) in
                    try file.afterPowerCut(survival, &losses, using: &random)
                })
                new.durableEntries = node.durableEntries
                renewals[ObjectIdentifier(node)] = new
                if new.isDirectory { try renew(new, &renewals, survival, &losses, &random) }
            }
            (new.parent, new.name) = (directory, name)
            new.links += 1
            directory.entries[name] = new
        }
        directory.durableEntries = directory.entries
    }
}

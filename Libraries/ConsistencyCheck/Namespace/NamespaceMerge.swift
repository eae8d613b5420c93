import CoordinatorCore
import Protocol
import ShardCore
import Store

/// Goes through the facts of all shards inode by inode: S11, S12, S26, X1–X7 and X9.
///
/// Memory: 17 bytes for each live directory (X5 follows owners); everything else is read from the table once.
struct NamespaceMerge {
    /// What explains deviations for the time being.
    let unfinished: UnfinishedWork
    /// Whether the table has the coordinator's parent map.
    let checksParents: Bool
    /// Told of each finding, with the inode it is about.
    let found: (Finding, InodeID) -> Void

    func run(_ table: FactTable) throws(CheckFailure) {
        try table.finish()
        let iterator = table.store.iterator(from: [FactTable.inodes], upTo: [FactTable.inodes + 1])
        var owners = OwnerPaths()
        var facts: InodeFacts?
        iterator.seekToFirst()
        while iterator.isValid {
            iterator.withEntry { key, value in
                guard key.count >= 10 else { return }
                let id = InodeID(rawValue: key.number(at: 1))
                if facts?.id != id {
                    if let facts { check(facts, &owners) }
                    facts = InodeFacts(id: id)
                }
                facts?.insert(key, value)
            }
            iterator.next()
        }
        do throws(StoreError) {
            try iterator.checkStatus()
        } catch {
            throw CheckFailure("the temporary store failed: \(error)")
        }
        if let facts { check(facts, &owners) }
        owners.check { id, detail in
            report(Finding(.x5, place: "directory \(id)", detail: detail), id)
        }
    }

    /// Reports what is wrong, or what is right again once a transaction is completed.
    private func report(_ finding: Finding, _ id: InodeID, _ edges: [OwningEdge] = []) {
        let isExplained = unfinished.touches(id) || edges.contains { unfinished.touches($0.directory, $0.name) }
        found(isExplained ? finding.explained : finding, id)
    }

    private func check(_ facts: InodeFacts, _ owners: inout OwnerPaths) {
        func report(_ finding: Finding) { self.report(finding, facts.id, facts.edges) }
        for edge in facts.edges where edge.kind == .locked {
            report(
                Finding(
                    .x7, place: "directory \(edge.directory), name \(printable(edge.name))",
                    detail: "is locked, and points at \(facts.id)"))
        }
        switch facts.inode?.kind {
        case nil: checkMissing(facts, report)
        case .liveDirectory:
            if let inode = facts.inode, facts.id != .root { owners.append(facts.id, owner: inode.owner) }
            checkLive(facts, report)
        case .snapshotDirectory: checkSnapshot(facts, report)
        case .linkedFile: checkLinked(facts, report)
        case .body: checkBody(facts, report)
        case .transientFile: checkEdgesToNothing(facts, "is transient", report)
        }
        if checksParents { checkParent(facts, report) }
    }

    private func checkMissing(_ facts: InodeFacts, _ report: (Finding) -> Void) {
        checkEdgesToNothing(facts, "does not exist", report)
    }

    /// S12 inside a shard, X2 and X4 between shards.
    private func checkEdgesToNothing(_ facts: InodeFacts, _ what: String, _ report: (Finding) -> Void) {
        guard let first = facts.edges.first else { return }
        let detail = "\(what), but there is \(facts.edgeList)"
        if first.directory.shard == facts.id.shard {
            report(Finding(InvariantViolation.Rule.s12, place: facts.place, detail: detail))
        } else {
            report(Finding(facts.id.isDirectory ? .x2 : .x4, place: facts.place, detail: detail))
        }
    }

    private func checkSnapshot(_ facts: InodeFacts, _ report: (Finding) -> Void) {
        if facts.currentCount > 0 {
            report(Finding(.x2, place: facts.place, detail: "was removed, but there is \(facts.edgeList)"))
        }
        if facts.inode?.hasAllPolicies == false {
            report(Finding(.x9, place: facts.place, detail: "was removed and does not hold all four policies"))
        }
    }

    /// S26: what files refer to has no name.
    private func checkBody(_ facts: InodeFacts, _ report: (Finding) -> Void) {
        guard !facts.edges.isEmpty else { return }
        let detail = "others refer to it, and there is \(facts.edgeList)"
        report(Finding(InvariantViolation.Rule.s26, place: facts.place, detail: detail))
    }

    private func checkLive(_ facts: InodeFacts, _ report: (Finding) -> Void) {
        guard facts.id != .root else {
            if let first = facts.edges.first {
                report(Finding(.x1, place: "the root directory", detail: "has a name in \(first.directory)"))
            }
            return
        }
        let owner = facts.inode?.owner ?? .null
        if facts.ownerCount == 0 {
            report(Finding(.x1, place: facts.place, detail: "has no name, its owner is \(owner)"))
        } else if facts.ownerCount > 1 {
            reportSeveral(facts, .x1, report)
        } else if !facts.edges.contains(where: { $0.directory == owner }) {
            report(Finding(.x1, place: facts.place, detail: "is owned by \(owner), but there is \(facts.edgeList)"))
        }
    }

    private func checkLinked(_ facts: InodeFacts, _ report: (Finding) -> Void) {
        if facts.ownerCount == 0 {
            report(Finding(.x3, place: facts.place, detail: "is linked, but no name or snapshot owns it"))
        } else if facts.ownerCount > 1 {
            reportSeveral(facts, .x3, report)
        }
    }

    private func reportSeveral(_ facts: InodeFacts, _ rule: ClusterRule, _ report: (Finding) -> Void) {
        let detail = "is owned \(facts.ownerCount) times: \(facts.edgeList)"
        if facts.isOneShard {
            report(Finding(InvariantViolation.Rule.s11, place: facts.place, detail: detail))
        } else {
            report(Finding(rule, place: facts.place, detail: detail))
        }
    }

    /// X6
    private func checkParent(_ facts: InodeFacts, _ report: (Finding) -> Void) {
        let isLive = facts.inode?.kind == .liveDirectory && facts.id != .root
        let owner = isLive ? facts.inode?.owner : nil
        guard owner != facts.parent else { return }
        let said = facts.parent.map { "\($0)" } ?? "nobody"
        report(
            Finding(
                .x6, place: facts.place,
                detail: "is owned by \(owner.map { "\($0)" } ?? "nobody"), the coordinator says by \(said)"))
    }
}

extension InodeFacts {
    /// Takes in one record of the table.
    fileprivate mutating func insert(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        switch FactTable.Tag(rawValue: key[9]) {
        case .inode: inode = InodeFact(value)
        case .parent: if value.count == 8 { parent = InodeID(rawValue: value.number(at: 0)) }
        case .edge: if let edge = OwningEdge(target: id, factKey: key) { insert(edge) }
        case nil: break
        }
    }
}

import ShardCore

/// The rules that concern several shards, and those of this check's own.
enum ClusterRule: String {
    case x1, x2, x3, x4, x5, x6, x7, x8, x9
    /// A log, the registry, the coordinator, a block on its disk.
    case l, r, k, b

    var name: String { rawValue.uppercased() }

    /// What to do about it, for people.
    var repair: String {
        switch self {
        case .x1:
            "rename or remove the directory through the name it has; without one, the garbage collector cannot take it "
                + "either: restore the last copy of the data directory"
        case .x2, .x4:
            "the name leads nowhere: unlink it, and restore what it named from a copy"
        case .x3:
            "without a name: restore the last copy of the data directory, or give the file up (its blocks stay). With "
                + "several: stop the garbage collector, copy the file to a new name, then remove the others"
        case .x5:
            "restore the last copy of the data directory: what is below cannot be reached from the root"
        case .x6:
            "stop the coordinator before it moves the directory; restore the last copy of the data directory"
        case .x7:
            "if the coordinator is up and its log says nothing of it, restart it; a lock that outlives that blocks the "
                + "name: restore the last copy of the data directory"
        case .x8:
            "stop the garbage collector: erasing one file erases a block of the other; copy both to new names"
        case .x9:
            "none needed for reading; set the policies of the directory (SET_DIRECTORY_INFO) before it is collected"
        case .l:
            "what was written after the damage is lost: restore the last copy of the data directory"
        case .r:
            "services register anew by themselves: restart them; if it stays, restore the last copy of the directory"
        case .k:
            "restore the last copy of the data directory"
        case .b:
            "the span can be read while enough other blocks are there: copy the file to a new name, then remove it"
        }
    }
}

extension Finding {
    init(_ rule: ClusterRule, _ severity: Severity = .damage, place: String, detail: String) {
        self.init(rule: rule.name, severity: severity, place: place, detail: detail, repair: rule.repair)
    }

    init(_ violation: InvariantViolation) {
        self.init(
            rule: violation.rule.name, severity: violation.isTolerated ? .notice : .damage, place: violation.place,
            detail: violation.detail, repair: violation.repair)
    }

    /// A rule of one shard, found out about by comparing shards.
    init(_ rule: InvariantViolation.Rule, place: String, detail: String) {
        self.init(InvariantViolation(rule: rule, place: place, detail: detail))
    }

    /// The same, explained by a transaction that was cut off.
    var explained: Finding {
        var finding = self
        finding.severity = .unfinished
        finding.repair = "a transaction is unfinished: start the cluster, it will be completed"
        return finding
    }
}

import Protocol

extension ShardCore {
    /// Reads the whole shard and reports everything that contradicts metadata.md A.13, S1–S22. Takes memory for all of
    /// it.
    ///
    /// S22 (replicas are equal) is reported as far as one replica can tell: its progress is the stored one.
    public func checkInvariants(_ report: (InvariantViolation) -> Void) throws(ShardStateError) {
        let stored = try StoredShard(state)
        withoutActuallyEscaping(report) { report in
            let checker = InvariantChecker(core: self, stored: stored, report: report)
            checker.checkInodes()
            checker.checkEdges()
            checker.checkOwnership()
            checker.checkSpans()
            checker.checkBlocks()
            checker.checkProgress()
            checker.checkRepetitions()
            checker.checkCache()
        }
    }

    /// Everything `checkInvariants` reports.
    public func invariantViolations() throws(ShardStateError) -> [InvariantViolation] {
        var violations: [InvariantViolation] = []
        try checkInvariants { violations.append($0) }
        return violations
    }
}

/// Checks the records of one shard against each other; one method per group of rules.
struct InvariantChecker {
    let core: ShardCore
    let stored: StoredShard
    let report: (InvariantViolation) -> Void

    func expect(_ condition: Bool, _ rule: InvariantViolation.Rule, _ detail: @autoclosure () -> String) {
        if !condition { report(InvariantViolation(rule: rule, detail: detail())) }
    }
}

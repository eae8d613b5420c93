import Protocol
import Store

extension ShardCore {
    /// Reads the whole shard and reports everything that contradicts metadata.md A.13, S1–S22, and a cache that differs
    /// from the store. Memory: see `ShardChecker` and `LocalOwnership`.
    ///
    /// S15 holds by construction: only transient files have a span state. S22 (replicas are equal) is reported as far
    /// as one replica can tell: its progress is the stored one.
    /// - Parameter includingTolerated: also what is only untidy, see `InvariantViolation.isTolerated`.
    public func checkInvariants(
        includingTolerated: Bool = false, _ report: (InvariantViolation) -> Void
    ) throws(ShardStateError) {
        var ownership = LocalOwnership()
        let services = blockServices.services
        let applied = try ShardChecker.run(shard, in: state.store) { services[$0]?.failureDomain } report: {
            if includingTolerated || !$0.isTolerated { report($0) }
        } fact: {
            ownership.insert($0)
        }
        try ownership.check(shard, in: state.store, report)
        try checkProgress(applied, report)
        try checkSequences(report)
        try checkCache(report)
    }

    /// Everything `checkInvariants` reports.
    public func invariantViolations() throws(ShardStateError) -> [InvariantViolation] {
        var violations: [InvariantViolation] = []
        try checkInvariants { violations.append($0) }
        return violations
    }

    private func checkProgress(
        _ applied: LogIndex, _ report: (InvariantViolation) -> Void
    ) throws(ShardStateError) {
        let stored: ShardProgress? = try state.readRecord(state.keys.meta(.progress))
        guard (stored ?? ShardProgress(shard: shard)) != state.progress else { return }
        report(
            InvariantViolation(
                rule: .s22, place: "shard \(shard)",
                detail: "the stored progress (entry \(applied)) is not that of the core (\(appliedIndex))"))
    }

    /// C: the numbers of the coordinator's requests that are remembered.
    private func checkSequences(_ report: (InvariantViolation) -> Void) throws(ShardStateError) {
        let iterator = state.store.iterator(
            from: state.keys.lowest(.executed), upTo: state.keys.end(of: .executed))
        // What is unreadable the check of the records has reported.
        var numbers = try RecordCursor(
            iterator, decode: { key, _ in key.count == 10 ? key.bigEndian(at: 2) : nil }, unreadable: { _ in })
        var stored: [UInt64] = []
        while let number = numbers.current {
            stored.append(number)
            try numbers.advance()
        }
        guard stored != Array(state.executed.all) else { return }
        report(
            InvariantViolation(
                rule: .c, place: "shard \(shard)",
                detail: "the coordinator's numbers in memory are not the stored ones"))
    }
}

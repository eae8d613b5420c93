import Protocol
import Store

/// Checks the records of one shard against each other, in one pass over each collection and without a running core: S1
/// to S10, S13 to S19, S21 and the range of S20 (metadata.md A.13), S23 to S25 of shared spans (README.md), which
/// version of a file is the newest, what is remembered of requests, and attributes.
///
/// What has to be compared beyond that (who owns what, which block is whose) goes out as facts. Memory: the newest
/// history of each name of one directory at a time; nothing grows with the shard.
package struct ShardChecker {
    let shard: ShardID
    let store: any OrderedStore
    let keys: ShardKeys
    let progress: ShardProgress
    let blockNumbers: BlockNumbers?
    /// The failure domain of a block service, as far as it is known.
    let failureDomain: (BlockServiceID) -> FailureDomain?
    let report: (InvariantViolation) -> Void
    let fact: (ShardFact) -> Void

    /// Reads the records of `shard` in `store` and hands everything wrong to `report` and every fact to `fact`.
    /// Returns the index of the last applied entry, 0 for a shard that is not there.
    ///
    /// - Throws: when the store fails. Records that cannot be decoded are reported (rule D).
    package static func run(
        _ shard: ShardID, in store: any OrderedStore, failureDomain: (BlockServiceID) -> FailureDomain?,
        report: (InvariantViolation) -> Void, fact: (ShardFact) -> Void
    ) throws(ShardStateError) -> LogIndex {
        let outcome = withoutActuallyEscaping(failureDomain) { failureDomain in
            withoutActuallyEscaping(report) { report in
                withoutActuallyEscaping(fact) { fact -> Result<LogIndex, ShardStateError> in
                    do throws(ShardStateError) {
                        let checker = try ShardChecker(shard, store, failureDomain, report, fact)
                        try checker.run()
                        return .success(checker.progress.appliedIndex)
                    } catch {
                        return .failure(error)
                    }
                }
            }
        }
        return try outcome.get()
    }

    private init(
        _ shard: ShardID, _ store: any OrderedStore, _ failureDomain: @escaping (BlockServiceID) -> FailureDomain?,
        _ report: @escaping (InvariantViolation) -> Void, _ fact: @escaping (ShardFact) -> Void
    ) throws(ShardStateError) {
        self.shard = shard
        self.store = store
        self.failureDomain = failureDomain
        self.report = report
        self.fact = fact
        keys = ShardKeys(shard: shard)
        progress = try Self.record(.progress, "progress", shard, store, keys, report) ?? ShardProgress(shard: shard)
        blockNumbers = try Self.record(.blockNumbers, "block numbers", shard, store, keys, report)
    }

    private static func record<Record: WireValue>(
        _ item: ShardKeys.Meta, _ what: String, _ shard: ShardID, _ store: any OrderedStore, _ keys: ShardKeys,
        _ report: (InvariantViolation) -> Void
    ) throws(ShardStateError) -> Record? {
        let bytes: [UInt8]?
        do throws(StoreError) {
            bytes = try store.get(keys.meta(item))
        } catch {
            throw .store(error)
        }
        guard let bytes else { return nil }
        if let record = try? Record(decoding: bytes) { return record }
        report(
            InvariantViolation(
                rule: .d, place: "shard \(shard)", detail: "the record of its \(what) cannot be decoded"))
        return nil
    }

    private func run() throws(ShardStateError) {
        let tally = try checkFiles()
        try checkIndex(against: tally.index)
        try checkCounts(tally)
        try checkDirectories()
        try checkNumbers()
        try checkAttributes()
        try checkRepetitions()
    }

    func cursor<Element>(
        _ collection: ShardKeys.Collection,
        _ decode: @escaping (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Element?,
        reportsUnreadable: Bool = true
    ) throws(ShardStateError) -> RecordCursor<Element> {
        let iterator = store.iterator(from: keys.lowest(collection), upTo: keys.end(of: collection))
        return try RecordCursor(iterator, decode: decode) { key in
            guard reportsUnreadable else { return }
            let digits = key.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
            report(
                InvariantViolation(
                    rule: .d, place: "shard \(shard), \(collection)", detail: "the record \(digits) cannot be decoded"))
        }
    }

    func expect(
        _ condition: Bool, _ rule: InvariantViolation.Rule, at place: @autoclosure () -> String,
        _ detail: @autoclosure () -> String
    ) {
        if !condition { report(InvariantViolation(rule: rule, place: place(), detail: detail())) }
    }
}

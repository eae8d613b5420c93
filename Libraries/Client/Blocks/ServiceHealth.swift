import Protocol

/// What this client remembers about block services: who failed or was slow lately, and how fast they usually answer.
/// The caller passes the time. Confined to the loop.
package final class ServiceHealth {
    private struct Record {
        var readAvoidedUntil: UInt64 = 0
        var writeAvoidedUntil: UInt64 = 0
        /// Periods of avoidance in a row; 0 when the last fetch was well.
        var failures = 0
        var failureDomain: FailureDomain?
    }

    private var records: [BlockServiceID: Record] = [:]
    /// Of all services; what a slow one is compared with. Fetches are compared with others of their size: up to a MiB,
    /// up to two, four and so on.
    private var latencies = [LatencyHistogram](repeating: LatencyHistogram(), count: 8)
    private let avoidNanoseconds: UInt64
    private let avoidWritingNanoseconds: UInt64
    private let leastHedgeNanoseconds: UInt64

    package init(
        avoidNanoseconds: UInt64, avoidWritingNanoseconds: UInt64 = 60_000_000_000,
        leastHedgeNanoseconds: UInt64 = 20_000_000
    ) {
        self.avoidNanoseconds = avoidNanoseconds
        self.avoidWritingNanoseconds = avoidWritingNanoseconds
        self.leastHedgeNanoseconds = leastHedgeNanoseconds
    }

    // MARK: Reading

    /// How a fetch is to be made.
    package enum Attempt {
        /// Nothing speaks against it.
        case usual
        /// The service is tried again after a failure, while others are asked as well.
        case probe
        /// Others are asked in its stead.
        case avoid
    }

    /// A service that failed is tried again with one fetch after each period of avoidance, until that goes well.
    package func attempt(_ id: BlockServiceID, now: UInt64) -> Attempt {
        guard let record = records[id], record.failures > 0 else { return .usual }
        guard record.readAvoidedUntil <= now else { return .avoid }
        records[id]?.readAvoidedUntil = now &+ pause(record.failures)
        return .probe
    }

    /// Whether the service failed and did not do well since.
    package func isDoubtful(_ id: BlockServiceID) -> Bool { (records[id]?.failures ?? 0) > 0 }

    package func readSucceeded(_ id: BlockServiceID, bytes: Int, latencyNanoseconds: UInt64, now: UInt64) {
        let isSlow = latencyNanoseconds > hedgeNanoseconds(forBytes: bytes)
        latencies[sizeClass(bytes)].add(latencyNanoseconds)
        if isSlow { return readDisappointed(id, now: now) }
        guard isDoubtful(id) else { return }
        records[id]?.failures = 0
        records[id]?.readAvoidedUntil = 0
    }

    /// The service failed, or was much slower than is usual. It is avoided for a while, longer with each repetition;
    /// what was under way at the time tells nothing new.
    package func readDisappointed(_ id: BlockServiceID, now: UInt64) {
        var record = records[id, default: Record()]
        guard record.readAvoidedUntil <= now || record.failures == 0 else { return }
        record.failures = min(record.failures + 1, 8)
        record.readAvoidedUntil = now &+ pause(record.failures)
        records[id] = record
    }

    private func pause(_ failures: Int) -> UInt64 {
        min(avoidNanoseconds, (avoidNanoseconds >> 6) << UInt64(failures))
    }

    /// How long to wait for a fetch before asking others as well: three times what three of four fetches take. A
    /// quantile, because one disk that is a hundred times slower than the others moves every mean.
    package func hedgeNanoseconds(forBytes bytes: Int) -> UInt64 {
        let size = sizeClass(bytes)
        return max(leastHedgeNanoseconds << UInt64(size), latencies[size].upperQuartile &* 3)
    }

    private func sizeClass(_ bytes: Int) -> Int {
        let mebibytes = max(1, bytes.dividedRoundingUp(by: 1 << 20))
        return min(Int.bitWidth - (mebibytes - 1).leadingZeroBitCount, latencies.count - 1)
    }

    // MARK: Writing

    /// The service failed to store a block, or took much longer than others.
    package func writeFailed(_ id: BlockServiceID, domain: FailureDomain, now: UInt64) {
        var record = records[id, default: Record()]
        record.writeAvoidedUntil = now &+ avoidWritingNanoseconds
        record.failureDomain = domain
        records[id] = record
    }

    package func writeSucceeded(_ id: BlockServiceID) {
        guard let record = records[id], record.writeAvoidedUntil != 0 else { return }
        records[id]?.writeAvoidedUntil = 0
    }

    /// Services to keep out of new spans.
    package func avoidedForWriting(now: UInt64) -> [BlacklistEntry] {
        records.compactMap { id, record in
            guard record.writeAvoidedUntil > now else { return nil }
            return BlacklistEntry(failureDomain: .none, blockService: id)
        }
    }
}

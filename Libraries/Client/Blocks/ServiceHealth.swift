import Protocol

/// What this client remembers about block services: who failed lately, and how fast each one answers.
/// The caller passes the time. Confined to the loop.
package final class ServiceHealth {
    private struct Record {
        var readAvoidedUntil: UInt64 = 0
        var writeAvoidedUntil: UInt64 = 0
        var failures = 0
        var latency = LatencyEstimate()
        var failureDomain: FailureDomain?
    }

    private var records: [BlockServiceID: Record] = [:]
    /// Over all services; what a slow one is compared with.
    private var common = LatencyEstimate()
    private let avoidNanoseconds: UInt64

    private let leastHedgeNanoseconds: UInt64

    package init(avoidNanoseconds: UInt64, leastHedgeNanoseconds: UInt64 = 20_000_000) {
        self.avoidNanoseconds = avoidNanoseconds
        self.leastHedgeNanoseconds = leastHedgeNanoseconds
    }

    // MARK: Reading

    package func readSucceeded(_ id: BlockServiceID, latencyNanoseconds: UInt64) {
        common.add(latencyNanoseconds)
        records[id, default: Record()].latency.add(latencyNanoseconds)
        records[id, default: Record()].failures = 0
        records[id, default: Record()].readAvoidedUntil = 0
    }

    /// The service failed, or was so much slower than the others that they answered in its stead.
    /// It is avoided for a while, longer with each repetition, then tried again.
    package func readDisappointed(_ id: BlockServiceID, now: UInt64) {
        var record = records[id, default: Record()]
        record.failures = min(record.failures + 1, 8)
        let pause = min(avoidNanoseconds, (avoidNanoseconds >> 6) << UInt64(record.failures))
        record.readAvoidedUntil = now &+ pause
        records[id] = record
    }

    package func isAvoidedForReading(_ id: BlockServiceID, now: UInt64) -> Bool {
        records[id].map { $0.readAvoidedUntil > now } ?? false
    }

    /// How long to wait for a fetch before asking others as well: well beyond what is usual at the moment.
    package var hedgeNanoseconds: UInt64 {
        max(leastHedgeNanoseconds, common.mean &* 3 &+ common.deviation &* 4)
    }

    /// Sorts sources: smaller is better.
    package func expectedLatency(_ id: BlockServiceID) -> UInt64 {
        records[id]?.latency.mean ?? 0
    }

    // MARK: Writing

    package func writeFailed(_ id: BlockServiceID, domain: FailureDomain, now: UInt64) {
        var record = records[id, default: Record()]
        record.writeAvoidedUntil = now &+ avoidNanoseconds
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

/// Mean and mean deviation of a latency, weighted towards the last few values, as TCP estimates round trips.
package struct LatencyEstimate {
    package private(set) var mean: UInt64 = 0
    package private(set) var deviation: UInt64 = 0
    private var isEmpty = true

    package init() {}

    package mutating func add(_ nanoseconds: UInt64) {
        guard !isEmpty else {
            isEmpty = false
            mean = nanoseconds
            deviation = nanoseconds / 2
            return
        }
        let distance = nanoseconds > mean ? nanoseconds - mean : mean - nanoseconds
        deviation = deviation - deviation / 4 + distance / 4
        mean = mean - mean / 8 + nanoseconds / 8
    }
}

import CoordinatorCore
import Metrics

/// What the coordinator counts, for whoever looks at the process.
package final class CdcMetrics {
    let clientRequests: Counter
    let clientDatagramsRefused: Counter
    /// Refused for want of a proof, or because its time is too far from this machine's.
    let clientRequestsUnproven: Counter
    let shardDatagramsRefused: Counter
    /// Datagrams of clients, passed on to the replica that leads.
    let relays: Counter
    private let fields: [(Counter, KeyPath<CoordinatorStatistics, UInt64>)]
    private var last = CoordinatorStatistics()

    package init(_ counters: Counters) {
        clientRequests = counters.counter("client_requests_total")
        clientDatagramsRefused = counters.counter("client_datagrams_refused_total")
        clientRequestsUnproven = counters.counter("client_requests_unproven_total")
        shardDatagramsRefused = counters.counter("shard_datagrams_refused_total")
        relays = counters.counter("client_datagrams_relayed_total")
        fields = [
            (counters.counter("transactions_started_total"), \.transactionsStarted),
            (counters.counter("transactions_succeeded_total"), \.transactionsSucceeded),
            (counters.counter("transactions_failed_total"), \.transactionsFailed),
            (counters.counter("replies_repeated_total"), \.repliesRepeated),
            (counters.counter("client_requests_dropped_total"), \.requestsDropped),
            (counters.counter("client_requests_beyond_share_total"), \.requestsBeyondShare),
            (counters.counter("shard_requests_total"), \.shardRequests),
            (counters.counter("shard_requests_repeated_total"), \.shardRequestsRepeated),
            (counters.counter("shard_refusals_total"), \.shardRefusals),
            (counters.counter("cdc_alarm_shards_taken_over"), \.shardsTakenOver),
            (counters.counter("log_entries_total"), \.logEntries),
            (counters.counter("log_records_total"), \.logRecords),
        ]
    }

    func update(_ now: CoordinatorStatistics) {
        guard now != last else { return }
        for (counter, path) in fields { counter.add(now[keyPath: path] &- last[keyPath: path]) }
        last = now
    }
}

import Metrics

/// What the shards of a process count together.
package struct ShardCounters: Sendable {
    package let reads: Counter
    package let writes: Counter
    /// Answers with an error code, of reads and writes.
    package let refusals: Counter
    /// Datagrams without an answer: not of this protocol, not decodable, wrongly signed, or not allowed unsigned.
    package let undecodable: Counter
    package let unprivileged: Counter
    /// Requests for another shard, which had this port before.
    package let misdirected: Counter
    /// Proven requests whose time is too far from this machine's.
    package let untimelyProofs: Counter
    /// Repetitions of requests that are still being worked on.
    package let duplicates: Counter
    /// Requests dropped because as much is in flight as may be.
    package let overflows: Counter
    /// Writes dropped because the clock does not agree with the registry's.
    package let clockDisputes: Counter
    package let failures: Counter
    /// Datagrams passed on to the replica that leads.
    package let relays: Counter

    package init(_ counters: Counters) {
        reads = counters.counter("shard_reads_total")
        writes = counters.counter("shard_writes_total")
        refusals = counters.counter("shard_errors_answered_total")
        undecodable = counters.counter("shard_datagrams_undecodable_total")
        unprivileged = counters.counter("shard_datagrams_unprivileged_total")
        misdirected = counters.counter("shard_datagrams_misdirected_total")
        untimelyProofs = counters.counter("shard_datagrams_untimely_total")
        duplicates = counters.counter("shard_datagrams_repeated_total")
        overflows = counters.counter("shard_writes_dropped_total")
        clockDisputes = counters.counter("shard_writes_dropped_for_clock_total")
        relays = counters.counter("shard_datagrams_relayed_total")
        failures = counters.counter("shard_internal_errors_total")
    }
}

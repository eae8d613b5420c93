import Synchronization

/// How much memory all shard cores of a process may spend on records they keep decoded. Thread-safe.
///
/// A core takes what it needs while the whole is below the limit, so that one hot directory can use nearly all of it.
/// Above the limit only cores with more than an equal share give memory back, whenever they are used: together the
/// cores stay below twice the limit.
public final class ShardCacheBudget: Sendable {
    /// Bytes for all cores together.
    public let limitBytes: Int
    private let used = Atomic<Int>(0)
    private let cores = Atomic<Int>(0)

    public init(limitBytes: Int = 128 << 20) {
        self.limitBytes = limitBytes
    }

    /// Bytes taken by all cores, by their own estimates.
    public var usedBytes: Int { used.load(ordering: .relaxed) }

    func join() {
        cores.add(1, ordering: .relaxed)
    }

    func leave(returning bytes: Int) {
        cores.subtract(1, ordering: .relaxed)
        used.subtract(bytes, ordering: .relaxed)
    }

    func change(by bytes: Int) {
        used.add(bytes, ordering: .relaxed)
    }

    /// Whether a core that holds `bytes` has to forget something.
    func isExceeded(by bytes: Int) -> Bool {
        guard usedBytes > limitBytes else { return false }
        return bytes > limitBytes / max(1, cores.load(ordering: .relaxed))
    }
}

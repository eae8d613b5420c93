import Synchronization

/// A number that only grows, for metrics. Thread-safe.
public final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    public init() {}

    public var value: UInt64 { count.load(ordering: .relaxed) }

    public func add(_ amount: UInt64 = 1) {
        count.wrappingAdd(amount, ordering: .relaxed)
    }
}

/// The counters of a process by name. Thread-safe. Keep the `Counter` rather than looking it up on a hot path.
public final class Counters: Sendable {
    private struct State {
        var counters: [String: Counter] = [:]
        var gauges: [String: @Sendable () -> UInt64] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    /// The counter of that name, made at its first mention. Names are snake_case and end in their unit:
    /// `datagrams_refused_total`.
    public func counter(_ name: String) -> Counter {
        state.withLock { state in
            if let known = state.counters[name] { return known }
            let made = Counter()
            state.counters[name] = made
            return made
        }
    }

    /// A value that is asked for when somebody looks. `read` is called on any thread.
    public func gauge(_ name: String, _ read: @escaping @Sendable () -> UInt64) {
        state.withLock { $0.gauges[name] = read }
    }

    /// Everything, sorted by name.
    public func snapshot() -> [(name: String, value: UInt64)] {
        let (counters, gauges) = state.withLock { ($0.counters, $0.gauges) }
        let counted = counters.map { (name: $0.key, value: $0.value.value) }
        let measured = gauges.map { (name: $0.key, value: $0.value()) }
        return (counted + measured).sorted { $0.name < $1.name }
    }
}

import Synchronization

/// Named totals.
final class Counters: Sendable {
    private let totals = Mutex<[String: Int]>([:])

    func add(_ name: String, _ amount: Int = 1) {
        totals.withLock { $0[name, default: 0] += amount }
    }

    subscript(name: String) -> Int { totals.withLock { $0[name, default: 0] } }

    /// Those whose names begin with `prefix`, without it, by name.
    func all(_ prefix: String) -> [(name: String, total: Int)] {
        totals.withLock { totals in
            totals.filter { $0.key.hasPrefix(prefix) }.map { (String($0.key.dropFirst(prefix.count)), $0.value) }
        }.sorted { $0.name < $1.name }
    }
}

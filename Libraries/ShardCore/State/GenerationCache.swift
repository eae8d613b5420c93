/// A bounded map that forgets what was not used lately.
///
/// Entries live in a young and an old generation. Using an old entry makes it young; when the young ones have had their
/// share of the budget, the old ones are forgotten and the young ones become old. So nothing is moved around on a hit
/// in the young generation, and no list has to be kept in order.
struct GenerationCache<Key: Hashable, Value> {
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]
    private var youngBytes = 0
    private var oldBytes = 0

    /// Bytes that both generations take, by the estimates given to `insert`.
    var byteCount: Int { youngBytes + oldBytes }
    var count: Int { young.count + old.count }

    /// The value of `key`; nil when it has to be looked up in the store.
    mutating func value(for key: Key, size: (Value) -> Int) -> Value? {
        if let value = young[key] { return value }
        guard !old.isEmpty, let value = old.removeValue(forKey: key) else { return nil }
        let bytes = size(value)
        oldBytes -= bytes
        youngBytes += bytes
        young[key] = value
        return value
    }

    /// Remembers a value of about `size` bytes in place of the one before.
    mutating func insert(_ value: Value, for key: Key, size: (Value) -> Int) {
        if let before = young.updateValue(value, forKey: key) {
            youngBytes -= size(before)
        } else if !old.isEmpty, let before = old.removeValue(forKey: key) {
            oldBytes -= size(before)
        }
        youngBytes += size(value)
    }

    /// Forgets the old generation; the young one becomes old.
    mutating func age() {
        old = young
        oldBytes = youngBytes
        young = [:]
        youngBytes = 0
    }

    mutating func removeAll() {
        self = GenerationCache()
    }

    /// Every entry, for checking against the store.
    func forEach(_ body: (Key, Value) -> Void) {
        for (key, value) in old { body(key, value) }
        for (key, value) in young { body(key, value) }
    }
}

/// A cursor over a generation above 0 that shows the keys as the group's state machine knows them.
final class GenerationIterator: StoreIterator {
    private let base: any StoreIterator
    private let keys: GenerationKeys
    /// Lent as the key, and used again for the next one.
    private var lent: [UInt8] = []

    /// - Parameter base: over keys of this generation only.
    init(_ base: any StoreIterator, _ keys: GenerationKeys) {
        self.base = base
        self.keys = keys
    }

    var isValid: Bool { base.isValid }

    func seekToFirst() { base.seekToFirst() }
    func seekToLast() { base.seekToLast() }
    func seek(_ key: [UInt8]) { base.seek(keys.bound(key)) }
    func seekForPrevious(_ key: [UInt8]) { base.seekForPrevious(keys.bound(key)) }
    func next() { base.next() }
    func previous() { base.previous() }

    var key: [UInt8] {
        var key: [UInt8] = []
        base.withEntry { stored, _ in keys.append(logical: stored, to: &key) }
        return key
    }

    var value: [UInt8] { base.value }

    func withEntry(_ body: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
        base.withEntry { stored, value in
            lent.removeAll(keepingCapacity: true)
            keys.append(logical: stored, to: &lent)
            lent.withUnsafeBytes { body($0, value) }
        }
    }

    func checkStatus() throws(StoreError) { try base.checkStatus() }
}

import Mutations

/// Another state of a group that is built beside the present one, in order of keys, and then takes its place at once.
///
/// Belongs to one thread at a time. One that goes away without `finish()` leaves garbage, which
/// `GroupStore.removeOutdated` takes away; so does one that was begun before another.
public final class StateReplacement {
    private let store: GroupStore
    private let keys: GenerationKeys

    /// The last key that has been put; nil: none yet. Whoever sends the pairs goes on behind it.
    public private(set) var lastKey: [UInt8]?

    init(of store: GroupStore, _ keys: GenerationKeys) {
        self.store = store
        self.keys = keys
    }

    deinit { store.abandon(keys.number) }

    /// Adds `pairs`, which may be anything that a peer sends: all of them, or none when it throws.
    ///
    /// - Throws: `.invalid`, when a key is none that a state has or does not come after the one before it, and when
    ///   this replacement is over.
    public func put(_ pairs: [StatePair]) throws(StoreError) {
        var last = lastKey
        var batch = WriteBatch()
        for pair in pairs {
            guard pair.isPossible || Mutation.anyPairIsTaken.isPlanted else {
                throw .invalid("no state has a key that begins with \(pair.key.prefix(1))")
            }
            // A part that is lost or comes again must not go unnoticed.
            if let last, KeyOrder.compare(last, pair.key) >= 0 { throw .invalid("the keys are out of order") }
            batch.put(keys.start + pair.key, pair.value)
            last = pair.key
        }
        try store.write(batch, building: keys.number)
        lastKey = last
    }

    /// Makes what has been put the group's state, in one batch, and this replacement over. A crash may still undo it,
    /// together with everything after it, until the store has been flushed. When it throws, it may be tried again.
    public func finish() throws(StoreError) {
        try store.switchTo(keys.number)
    }
}

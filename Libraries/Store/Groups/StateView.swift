import Mutations

/// A group's whole state as it was when the view was made, in order of keys, whatever is written meanwhile.
///
/// Belongs to one thread at a time. While it lives the store keeps what it shows, on the disk and, as far as it was not
/// flushed yet, in memory: whoever makes views bounds how many there are and how long they stay.
public final class StateView {
    private let store: GroupStore
    private var cursor: any StoreIterator

    init(of store: GroupStore) throws(StoreError) {
        self.store = store
        cursor = store.iterator(from: store.prefix, upTo: nil)
        cursor.seekToFirst()
        try cursor.checkStatus()
    }

    /// The next pairs: as many as `byteCount` bytes hold, the last one of them whole, and at least one; nil at the end.
    public func next(byteCount: Int) throws(StoreError) -> [StatePair]? {
        if Mutation.viewsMove.isPlanted, cursor.isValid {
            let place = cursor.key
            cursor = store.iterator(from: store.prefix, upTo: nil)
            cursor.seek(place)
        }
        var pairs: [StatePair] = []
        var count = 0
        while cursor.isValid, count < byteCount || pairs.isEmpty {
            cursor.withEntry { key, value in
                let rest = store.group.rest(of: key)
                pairs.append(StatePair(key: [UInt8](rest), value: [UInt8](value)))
                count += rest.count + value.count
            }
            cursor.next()
        }
        if !cursor.isValid { try cursor.checkStatus() }
        return pairs.isEmpty ? nil : pairs
    }

    /// Goes on behind `key`, whether or not there is a pair of that key: for a receiver that has everything up to it.
    /// Nothing comes before a key of no bytes.
    public func move(after key: [UInt8]) {
        // The smallest key that is larger.
        cursor.seek(store.prefix + key + [0])
    }
}

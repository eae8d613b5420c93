import Store

extension OrderedStore {
    /// Everything in a store, key by key.
    var contents: [[UInt8]] {
        let iterator = iterator(from: [], upTo: nil)
        iterator.seekToFirst()
        var records: [[UInt8]] = []
        while iterator.isValid {
            records += [iterator.key, iterator.value]
            iterator.next()
        }
        return records
    }
}

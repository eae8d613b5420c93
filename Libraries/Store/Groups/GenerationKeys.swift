/// How the keys of a group's state, as its state machine knows them, are stored in one generation.
///
/// In generation 0 they are stored as they are, so nothing is copied there.
struct GenerationKeys: Sendable {
    let group: GroupKeys
    let number: UInt32
    /// What every stored key begins with, in place of the group's prefix.
    let start: [UInt8]
    /// The first key after all stored ones.
    let end: [UInt8]

    init(_ group: GroupKeys, _ number: UInt32) {
        self.group = group
        self.number = number
        start = number == 0 ? group.prefix : group.stored(UnsafeRawBufferPointer(start: nil, count: 0), in: number)
        end = GroupKeys.end(of: start)
    }

    /// The stored key of a key that the group holds.
    func stored(_ key: UnsafeRawBufferPointer) -> [UInt8] {
        number == 0 ? [UInt8](key) : group.stored(group.rest(of: key), in: number)
    }

    /// The stored form of a bound, or of a place to seek, which may be any bytes: what lies outside the group's keys
    /// becomes the end of them that it lies beyond.
    func bound(_ key: [UInt8]) -> [UInt8] {
        guard key.starts(with: group.prefix) else {
            return KeyOrder.compare(key, group.prefix) < 0 ? start : end
        }
        if key.count > group.prefix.count, GroupKeys.isReserved(key[group.prefix.count]) { return end }
        return number == 0 ? key : start + key[group.prefix.count...]
    }

    /// The key as the state machine knows it. The buffer is a stored key of this generation.
    func append(logical stored: UnsafeRawBufferPointer, to key: inout [UInt8]) {
        key += group.prefix
        key += UnsafeRawBufferPointer(rebasing: stored[start.count...])
    }

    /// What `batch` is in the store: the batch itself where nothing has to be changed.
    ///
    /// - Throws: `.invalid`, when it puts or deletes a key that is not one of the state.
    func stored(_ batch: WriteBatch) throws(StoreError) -> WriteBatch {
        var isStored = number == 0
        var isForeign = false
        batch.forEach { change in
            switch change {
            case .put(let key, _), .delete(let key): if !group.holds(key) { isForeign = true }
            // Its bounds may lie anywhere, and it must not reach what is not the state's.
            case .deleteRange: isStored = false
            }
        }
        if isForeign { throw .notOfTheState }
        return isStored ? batch : translated(batch)
    }

    private func translated(_ batch: WriteBatch) -> WriteBatch {
        var translated = WriteBatch(reservingBytes: batch.byteCount + batch.count * (start.count - group.prefix.count))
        batch.forEach { change in
            switch change {
            case .put(let key, let value): stored(key).withUnsafeBytes { translated.put($0, value) }
            case .delete(let key): translated.delete(stored(key))
            case .deleteRange(let lower, let upper):
                translated.deleteRange(from: bound([UInt8](lower)), upTo: bound([UInt8](upper)))
            }
        }
        return translated
    }
}

extension StoreError {
    /// A key of another group, or what the store keeps for itself.
    static var notOfTheState: StoreError { .invalid("the key is none of the group's state") }
}

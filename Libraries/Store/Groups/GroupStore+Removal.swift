import Mutations

// Generations that nobody reads any more go away key by key: a range tombstone would lie among keys that are read, and
// every iterator would have to look at it.
extension GroupStore {
    /// Deletes up to `limit` keys of generations that are neither current nor being built, in one batch. Costs nothing
    /// once there are none, until there can be some again.
    ///
    /// - Returns: false when there was nothing to delete.
    public func removeOutdated(limit: Int) throws(StoreError) -> Bool {
        try replacing.withLock { (replacing) throws(StoreError) -> Bool in
            guard let position = replacing.outdated else { return false }
            let keys = try outdatedKeys(from: position, besides: replacing.built, limit: max(limit, 1))
            guard let last = keys.last else {
                replacing.outdated = nil
                return false
            }
            var batch = WriteBatch()
            for key in keys { batch.delete(key) }
            try base.write(batch, durable: false)
            // Searching from the start again would pass over everything that has been deleted, each time more.
            replacing.outdated = last
            return true
        }
    }

    private func outdatedKeys(
        from position: [UInt8], besides built: UInt32?, limit: Int
    ) throws(StoreError) -> [[UInt8]] {
        let current = current.load(ordering: .acquiring)
        let spared = Mutation.removalSparesNothing.isPlanted ? nil : built
        var keys: [[UInt8]] = []
        for range in group.ranges(besides: [current] + (spared.map { [$0] } ?? [])) where keys.count < limit {
            let lower = KeyOrder.compare(position, range.lower) > 0 ? position : range.lower
            let cursor = base.iterator(from: lower, upTo: range.upper)
            cursor.seekToFirst()
            while cursor.isValid, keys.count < limit {
                keys.append(cursor.key)
                cursor.next()
            }
            if !cursor.isValid { try cursor.checkStatus() }
        }
        return keys
    }
}

import Mutations

// Another generation is built where nobody reads and becomes the current one by one small record.
extension GroupStore {
    /// Begins another state of the group, with nothing in it. One that is still being built is over with that.
    public func beginReplacing() throws(StoreError) -> StateReplacement {
        let number = try replacing.withLock { (replacing) throws(StoreError) -> UInt32 in
            // What an interrupted replacement has left behind must not become part of this one.
            let stored = Mutation.leftoversAreBuiltUpon.isPlanted ? 0 : try newestStored()
            let newest = max(replacing.newest, stored)
            guard newest < .max else { throw .corruption("no generation comes after \(newest)") }
            if replacing.built != nil { replacing.outdated = prefix }
            replacing.newest = newest + 1
            replacing.built = newest + 1
            return newest + 1
        }
        if Mutation.replacementsAreSeenEarly.isPlanted { current.store(number, ordering: .releasing) }
        return StateReplacement(of: self, GenerationKeys(group, number))
    }

    /// The highest generation above 0 that has a key; 0: none has.
    private func newestStored() throws(StoreError) -> UInt32 {
        let cursor = base.iterator(from: group.generations.lower, upTo: group.generations.upper)
        cursor.seekToLast()
        guard cursor.isValid else {
            try cursor.checkStatus()
            return 0
        }
        guard let generation = group.generation(of: cursor.key) else {
            throw .corruption("a key among the generations belongs to none")
        }
        return generation
    }

    /// Writes to the generation that is being built.
    func write(_ batch: WriteBatch, building generation: UInt32) throws(StoreError) {
        try replacing.withLock { (replacing) throws(StoreError) in
            guard replacing.built == generation else { throw .replacementIsOver }
            try base.write(batch, durable: false)
        }
    }

    /// Makes the generation that is being built the current one.
    func switchTo(_ generation: UInt32) throws(StoreError) {
        try replacing.withLock { (replacing) throws(StoreError) in
            guard replacing.built == generation else { throw .replacementIsOver }
            var batch = WriteBatch()
            batch.put(group.pointer, GenerationPointer.encoded(generation))
            if !Mutation.switchesAreNotStored.isPlanted { try base.write(batch, durable: false) }
            current.store(generation, ordering: .releasing)
            replacing.built = nil
            replacing.outdated = prefix
        }
    }

    /// Nobody builds this generation any more; if it was being built, it is garbage.
    func abandon(_ generation: UInt32) {
        replacing.withLock { replacing in
            guard replacing.built == generation else { return }
            replacing.built = nil
            replacing.outdated = prefix
        }
    }
}

extension StoreError {
    fileprivate static var replacementIsOver: StoreError { .invalid("the replacement of the state is over") }
}

import Protocol

extension ShardCore {
    /// C: the cache says what the store says. One look-up in the store per cached record.
    func checkCache(_ report: (InvariantViolation) -> Void) throws(ShardStateError) {
        var different: [String] = []
        var failure: ShardStateError?
        func compare(_ place: @autoclosure () -> String, _ isEqual: () throws(ShardStateError) -> Bool) {
            do throws(ShardStateError) {
                if try !isEqual() { different.append(place()) }
            } catch {
                failure = error
            }
        }
        let (state, keys) = (state, state.keys)
        state.cache.forEachDirectory { id, record in
            compare("directory \(id)") { () throws(ShardStateError) in
                try state.readRecord(keys.directory(id)) == record
            }
        }
        state.cache.forEachInode { id, cached in
            compare("file \(id)") { () throws(ShardStateError) in try storedInode(id) == cached }
        }
        state.cache.forEachEdge { place, cached in
            compare("directory \(place.directory), name \(printable(cached.name))") { () throws(ShardStateError) in
                try state.readRecord(keys.edge(place.directory, current: true, place.hash, cached.name)) == cached.edge
            }
        }
        for (ownership, number) in state.ownerships.numbers {
            compare("ownership \(number)") { () throws(ShardStateError) in
                let stored: OwnershipRecord? = try state.readRecord(keys.ownership(number))
                let found: OwnershipNumberRecord? = try state.readRecord(keys.ownershipNumber(ownership))
                return stored?.ownership == ownership && found?.number == number && number < state.ownerships.count
            }
        }
        if let failure { throw failure }
        for place in different {
            report(InvariantViolation(rule: .c, place: place, detail: "the cached record is not the stored one"))
        }
    }

    private func storedInode(_ id: InodeID) throws(ShardStateError) -> InodeState {
        if let file: FileRecord = try state.readRecord(state.keys.file(id)) { return .linked(file) }
        let transient: TransientFileRecord? = try state.readRecord(state.keys.transientFile(id))
        return transient.map(InodeState.transient) ?? .absent
    }
}

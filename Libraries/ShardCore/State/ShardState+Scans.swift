import Protocol
import Store

extension ShardState {
    /// Throws what ended a scan early, if anything did.
    func check(_ iterator: any StoreIterator) throws(ShardFailure) {
        do throws(StoreError) {
            try iterator.checkStatus()
        } catch {
            throw .state(.store(error))
        }
    }

    /// The record under an iterator.
    func record<Record: WireValue>(
        at iterator: any StoreIterator, as type: Record.Type = Record.self
    ) throws(ShardFailure) -> Record {
        do throws(DecodeError) {
            return try Record(decoding: iterator.value)
        } catch {
            throw .state(.corruptRecord(key: iterator.key))
        }
    }

    /// The creation time of the newest snapshot edge or deletion marker of a name; 0 when it has no history.
    func newestSnapshotTime(
        _ directory: InodeID, _ hash: NameHash, _ name: [UInt8]
    ) throws(ShardFailure) -> Timestamp {
        let lower = keys.edge(directory, current: false, hash, name)
        let iterator = store.iterator(from: lower, upTo: lower + [UInt8](repeating: 0xff, count: 9))
        iterator.seekToLast()
        guard iterator.isValid else {
            try check(iterator)
            return .zero
        }
        guard let edge = EdgeKey(iterator.key) else { throw .state(.corruptRecord(key: iterator.key)) }
        return edge.snapshotTime
    }

    /// How many names of a hash a directory has now, counted up to `limit`.
    func countCurrentEdges(
        _ directory: InodeID, _ hash: NameHash, atMost limit: Int
    ) throws(ShardFailure) -> Int {
        let iterator = store.iterator(
            from: keys.edges(directory, current: true, from: hash),
            upTo: keys.edges(directory, current: true, from: NameHash(rawValue: hash.rawValue + 1)))
        iterator.seekToFirst()
        var count = 0
        while count < limit, iterator.isValid {
            count += 1
            iterator.next()
        }
        try check(iterator)
        return count
    }

    /// The last extent of a file that begins at or before `byteOffset`.
    func lastExtent(
        _ file: InodeID, notAfter byteOffset: UInt64
    ) throws(ShardFailure) -> (byteOffset: UInt64, extent: Extent)? {
        let iterator = extents(of: file)
        iterator.seekForPrevious(keys.span(file, byteOffset))
        guard iterator.isValid else {
            try check(iterator)
            return nil
        }
        return (try self.byteOffset(at: iterator), try record(at: iterator))
    }

    /// Where the extent under an iterator begins.
    func byteOffset(at iterator: any StoreIterator) throws(ShardFailure) -> UInt64 {
        let key = iterator.key
        guard key.count == 18 else { throw .state(.corruptRecord(key: key)) }
        return key.bigEndian(at: 10)
    }

    /// An iterator over the extents of a file, not positioned yet.
    func extents(of file: InodeID) -> any StoreIterator {
        store.iterator(from: keys.span(file, 0), upTo: keys.span(InodeID(rawValue: file.rawValue &+ 1), 0))
    }

    /// The hours since the epoch in which the numbers of the shard's blocks lie. Reads all spans.
    func hoursOfBlocks() throws(ShardFailure) -> Set<UInt64> {
        var hours: Set<UInt64> = []
        let iterator = store.iterator(from: keys.lowest(.spans), upTo: keys.end(of: .spans))
        iterator.seekToFirst()
        while iterator.isValid {
            let extent: Extent = try record(at: iterator)
            for block in extent.ownSpan?.allBlocks ?? [] { hours.insert(BlockNumbers.hour(of: block.id)) }
            iterator.next()
        }
        try check(iterator)
        return hours
    }
}

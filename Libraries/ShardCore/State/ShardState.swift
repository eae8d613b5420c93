import Consensus
import Mutations
import Protocol
import Store

/// The records of one shard: reading them through the cache, and gathering the changes of one log entry.
///
/// While an entry is applied all reads see the state before it (metadata.md B.0); its changes wait in a batch until
/// `commit` writes them at once, together with the progress, or `discard` forgets them.
final class ShardState {
    let keys: ShardKeys
    let store: any OrderedStore
    private(set) var identity: ShardIdentity?
    private(set) var progress: ShardProgress
    /// Nil until the first block was placed by this version.
    private(set) var blockNumbers: BlockNumbers?
    /// Nil until an entry came that is not the shard's.
    private(set) var standing: Standing?
    var cache: ShardCache
    /// The coordinator's numbers whose answers are remembered.
    private(set) var executed: ExecutedSequences
    /// What inodes have of owner, group and mode.
    var ownerships: OwnershipTable

    private var batch = WriteBatch()
    private var changedDirectories: [(InodeID, DirectoryRecord?)] = []
    private var changedInodes: [(InodeID, InodeState)] = []
    private var changedEdges: [(EdgePlace, CachedEdge)] = []
    private var changedIdentity: ShardIdentity?
    private var changedBlockNumbers: BlockNumbers?
    private var changedStanding: Standing?
    /// A number whose answer is remembered from now on.
    var addedSequence: UInt64?
    /// An ownership that gets the next number.
    var addedOwnership: InodeOwnership?
    /// The progress to be, without index and time.
    var nextProgress: ShardProgress

    init(
        store: any OrderedStore, shard: ShardID, budget: ShardCacheBudget, ownershipLimit: UInt32
    ) throws(ShardStateError) {
        self.store = store
        keys = ShardKeys(shard: shard)
        cache = ShardCache(budget: budget)
        identity = nil
        progress = ShardProgress(shard: shard)
        nextProgress = progress
        executed = try Self.storedSequences(store, keys)
        ownerships = try Self.storedOwnerships(store, keys, limit: ownershipLimit)
        identity = try readRecord(keys.meta(.identity))
        blockNumbers = try readRecord(keys.meta(.blockNumbers))
        standing = try readRecord(keys.meta(.standing))
        if let stored = try readRecord(keys.meta(.progress), as: ShardProgress.self) {
            progress = stored
            nextProgress = stored
        }
    }

    // MARK: Reading

    /// The record of `key`, read from the store.
    func readRecord<Record: WireValue>(
        _ key: [UInt8], as type: Record.Type = Record.self
    ) throws(ShardStateError) -> Record? {
        let outcome: Result<Record, DecodeError>?
        do throws(StoreError) {
            outcome = try store.withValue(of: key) { (bytes) -> Result<Record, DecodeError> in
                do throws(DecodeError) {
                    return .success(try Record(decoding: bytes))
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            throw .store(error)
        }
        switch outcome {
        case nil: return nil
        case .success(let record): return record
        case .failure: throw .corruptRecord(key: key)
        }
    }

    func load<Record: WireValue>(
        _ key: [UInt8], as type: Record.Type = Record.self
    ) throws(ShardFailure) -> Record? {
        do throws(ShardStateError) {
            return try readRecord(key)
        } catch {
            throw .state(error)
        }
    }

    func directory(_ id: InodeID) throws(ShardFailure) -> DirectoryRecord? {
        if let cached = cache.directory(id) { return cached }
        let record: DirectoryRecord? = try load(keys.directory(id))
        cache.insert(record, for: id)
        return record
    }

    func inode(_ id: InodeID) throws(ShardFailure) -> InodeState {
        if let cached = cache.inode(id) { return cached }
        let state: InodeState
        if let record: FileRecord = try load(keys.file(id)) {
            state = .linked(record)
        } else if var record: TransientFileRecord = try load(keys.transientFile(id)) {
            if Mutation.notesStayInMemory.isPlanted { record.note = [] }
            state = .transient(record)
        } else {
            state = .absent
        }
        cache.insert(state, for: id)
        return state
    }

    func currentEdge(
        _ directory: InodeID, _ hash: NameHash, _ name: [UInt8]
    ) throws(ShardFailure) -> CurrentEdgeRecord? {
        let place = EdgePlace(directory: directory, hash: hash)
        if let cached = name.withUnsafeBytes({ cache.edge(place, named: $0) }) { return cached }
        let record: CurrentEdgeRecord? = try load(keys.edge(directory, current: true, hash, name))
        cache.insert(CachedEdge(name: name, edge: record), at: place)
        return record
    }

    func snapshotEdge(
        _ directory: InodeID, _ name: [UInt8], _ creationTime: Timestamp
    ) throws(ShardFailure) -> SnapshotEdgeRecord? {
        try load(keys.snapshotEdge(directory, NameHash(of: name), name, creationTime))
    }

    /// The newest version in this shard of the file with this number; nil where it can be no other than the inode of
    /// that id.
    func newestVersion(of number: InodeID) throws(ShardFailure) -> InodeID? {
        try load(keys.number(number), as: NumberRecord.self)?.newest
    }

    func extent(_ file: InodeID, _ byteOffset: UInt64) throws(ShardFailure) -> Extent? {
        try load(keys.span(file, byteOffset))
    }

    /// The record that makes a file a body; nil: it is none.
    func body(_ id: InodeID) throws(ShardFailure) -> BodyRecord? {
        try load(keys.body(id))
    }

    // MARK: Changing

    func put(_ key: [UInt8], _ record: some WireValue) throws(ShardFailure) {
        do throws(EncodeError) {
            batch.put(key, try record.encoded())
        } catch {
            throw .state(.unencodable(error))
        }
    }

    func delete(_ key: [UInt8]) { batch.delete(key) }

    func putDirectory(_ id: InodeID, _ record: DirectoryRecord) throws(ShardFailure) {
        try put(keys.directory(id), record)
        changedDirectories.append((id, record))
    }

    func removeDirectory(_ id: InodeID) {
        batch.delete(keys.directory(id))
        changedDirectories.append((id, nil))
    }

    /// Stores a linked file. `before` says what the id was, so that the other collection loses it.
    func putFile(_ id: InodeID, _ record: FileRecord, wasTransient: Bool) throws(ShardFailure) {
        if wasTransient { batch.delete(keys.transientFile(id)) }
        try put(keys.file(id), record)
        changedInodes.append((id, .linked(record)))
    }

    func putTransientFile(
        _ id: InodeID, _ record: TransientFileRecord, wasLinked: Bool = false
    ) throws(ShardFailure) {
        if wasLinked { batch.delete(keys.file(id)) }
        try put(keys.transientFile(id), record)
        changedInodes.append((id, .transient(record)))
    }

    func putBody(_ id: InodeID, _ record: BodyRecord) throws(ShardFailure) {
        try put(keys.body(id), record)
    }

    /// The id of the next file or symbolic link.
    func takeID(of type: InodeType) -> InodeID {
        let last = type == .symlink ? \ShardProgress.lastSymlink : \ShardProgress.lastFile
        nextProgress[keyPath: last] = InodeID(rawValue: nextProgress[keyPath: last].rawValue &+ 0x100)
        return nextProgress[keyPath: last]
    }

    /// A body whose bytes nobody refers to any more.
    func removeBody(_ id: InodeID) {
        batch.delete(keys.body(id))
        batch.delete(keys.file(id))
        changedInodes.append((id, .absent))
    }

    func removeTransientFile(_ id: InodeID) {
        batch.delete(keys.transientFile(id))
        changedInodes.append((id, .absent))
    }

    func putNewestVersion(_ id: InodeID, of number: InodeID) throws(ShardFailure) {
        try put(keys.number(number), NumberRecord(newest: id))
    }

    func removeNewestVersion(of number: InodeID) { batch.delete(keys.number(number)) }

    func putCurrentEdge(
        _ directory: InodeID, _ hash: NameHash, _ name: [UInt8], _ record: CurrentEdgeRecord
    ) throws(ShardFailure) {
        try put(keys.edge(directory, current: true, hash, name), record)
        changedEdges.append((EdgePlace(directory: directory, hash: hash), CachedEdge(name: name, edge: record)))
    }

    func removeCurrentEdge(_ directory: InodeID, _ hash: NameHash, _ name: [UInt8]) {
        batch.delete(keys.edge(directory, current: true, hash, name))
        changedEdges.append((EdgePlace(directory: directory, hash: hash), CachedEdge(name: name, edge: nil)))
    }

    func putSnapshotEdge(
        _ directory: InodeID, _ hash: NameHash, _ name: [UInt8], _ creationTime: Timestamp, _ record: SnapshotEdgeRecord
    ) throws(ShardFailure) {
        try put(keys.snapshotEdge(directory, hash, name, creationTime), record)
    }

    func removeSnapshotEdge(
        _ directory: InodeID, _ hash: NameHash, _ name: [UInt8], _ creationTime: Timestamp
    ) {
        batch.delete(keys.snapshotEdge(directory, hash, name, creationTime))
    }

    /// Stores a span and brings the index of files by block service from the blocks of `before` to those of `record`.
    func putSpan(
        _ file: InodeID, _ byteOffset: UInt64, _ record: SpanRecord, replacing before: SpanRecord? = nil
    ) throws(ShardFailure) {
        try put(keys.span(file, byteOffset), record)
        let services = Set(record.allBlocks.map(\.service))
        let servicesBefore = Set(before?.allBlocks.map(\.service) ?? [])
        for service in servicesBefore.subtracting(services).sorted() where !Mutation.swapForgetsIndex.isPlanted {
            batch.delete(keys.blockServiceFile(service, file, byteOffset))
        }
        for service in services.subtracting(servicesBefore).sorted() {
            if Mutation.sharedSpanIsNotIndexed.isPlanted, try body(file) != nil { continue }
            batch.put(keys.blockServiceFile(service, file, byteOffset), [])
        }
    }

    func removeSpan(_ file: InodeID, _ byteOffset: UInt64, _ record: SpanRecord) {
        batch.delete(keys.span(file, byteOffset))
        for service in Set(record.allBlocks.map(\.service)).sorted() {
            batch.delete(keys.blockServiceFile(service, file, byteOffset))
        }
    }

    /// Stores a reference, in place of another one or of nothing.
    func putReference(_ file: InodeID, _ byteOffset: UInt64, _ record: SpanReference) throws(ShardFailure) {
        try put(keys.span(file, byteOffset), record)
    }

    func removeReference(_ file: InodeID, _ byteOffset: UInt64) {
        batch.delete(keys.span(file, byteOffset))
    }

    func putIdentity(_ record: ShardIdentity) throws(ShardFailure) {
        try put(keys.meta(.identity), record)
        changedIdentity = record
    }

    func putBlockNumbers(_ numbers: BlockNumbers) throws(ShardFailure) {
        try put(keys.meta(.blockNumbers), numbers)
        changedBlockNumbers = numbers
    }

    func putStanding(_ standing: Standing) throws(ShardStateError) {
        do throws(EncodeError) {
            batch.put(keys.meta(.standing), try standing.encoded())
        } catch {
            throw .unencodable(error)
        }
        changedStanding = standing
    }

    // MARK: Ending an entry

    /// Writes the changes since the last commit or discard, and that the entry `index` of time `time` is applied.
    func commit(_ index: LogIndex, _ time: Timestamp) throws(ShardStateError) {
        nextProgress.appliedIndex = index
        nextProgress.lastTime = max(nextProgress.lastTime, time)
        do throws(EncodeError) {
            var stored = nextProgress
            if Mutation.appliedIndexIsNotStored.isPlanted { stored.appliedIndex = progress.appliedIndex }
            batch.put(keys.meta(.progress), try stored.encoded())
        } catch {
            throw .unencodable(error)
        }
        do throws(StoreError) {
            try store.write(batch, durable: false)
        } catch {
            throw .store(error)
        }
        if nextProgress.closedSequence > progress.closedSequence { executed.removeUpTo(nextProgress.closedSequence) }
        if let addedSequence { executed.insert(addedSequence) }
        if let addedOwnership {
            ownerships.insert(addedOwnership, ownerships.count)
            ownerships.count += 1
        }
        progress = nextProgress
        if let changedIdentity { identity = changedIdentity }
        if let changedBlockNumbers { blockNumbers = changedBlockNumbers }
        if let changedStanding { standing = changedStanding }
        for (id, record) in changedDirectories { cache.insert(record, for: id) }
        for (id, state) in changedInodes { cache.insert(state, for: id) }
        for (place, edge) in changedEdges { cache.insert(edge, at: place) }
        forgetChanges()
    }

    /// Forgets the changes since the last commit or discard.
    func discard() {
        nextProgress = progress
        forgetChanges()
    }

    private func forgetChanges() {
        batch.removeAll()
        changedDirectories.removeAll(keepingCapacity: true)
        changedInodes.removeAll(keepingCapacity: true)
        changedEdges.removeAll(keepingCapacity: true)
        changedIdentity = nil
        changedBlockNumbers = nil
        changedStanding = nil
        addedSequence = nil
        addedOwnership = nil
    }
}

import Synchronization

/// A store that reads through to another one and keeps all changes to itself, in memory: for looking at what a state
/// would become without touching it.
///
/// Memory grows with the records changed. The other store must not be written meanwhile.
public final class OverlayStore: OrderedStore {
    private struct State {
        /// What differs from the base: a key with nothing behind it was deleted.
        var changes = PersistentTree()
        var isClosed = false
    }

    private let base: any OrderedStore
    private let state = Mutex(State())

    public init(over base: any OrderedStore) {
        self.base = base
    }

    // A value in the tree is a mark and the bytes, or nothing at all for a deleted key.
    private static let mark: UInt8 = 1

    static func isDeleted(_ value: [UInt8]) -> Bool { value.isEmpty }

    static func withValue<Result>(_ value: [UInt8], _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        value.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0.dropFirst())) }
    }

    public func read(
        _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(StoreError) -> Bool {
        guard let node = try snapshot().node(key) else { return try base.read(key, body) }
        guard !Self.isDeleted(node.value) else { return false }
        Self.withValue(node.value, body)
        return true
    }

    public func iterator(from lower: [UInt8], upTo upper: [UInt8]?) -> any StoreIterator {
        do throws(StoreError) {
            return OverlayIterator(
                base: base.iterator(from: lower, upTo: upper),
                changes: MemoryIterator(try snapshot(), lower, upper, failure: nil))
        } catch {
            return MemoryIterator(PersistentTree(), lower, upper, failure: error)
        }
    }

    public func write(_ batch: WriteBatch, durable: Bool) throws(StoreError) {
        var ranges: [(lower: [UInt8], upper: [UInt8])] = []
        batch.forEach { change in
            if case .deleteRange(let lower, let upper) = change { ranges.append(([UInt8](lower), [UInt8](upper))) }
        }
        var baseKeys: [[[UInt8]]] = []
        for range in ranges { baseKeys.append(try keys(of: base, in: range)) }
        let wasClosed = state.withLock { state -> Bool in
            guard !state.isClosed else { return true }
            batch.forEach { change in Self.carryOut(change, &baseKeys, in: &state.changes) }
            return false
        }
        if wasClosed { throw .closed }
    }

    /// - Parameter baseKeys: for each range to delete, in order, what the base has in it.
    private static func carryOut(
        _ change: WriteBatch.Change, _ baseKeys: inout [[[UInt8]]], in tree: inout PersistentTree
    ) {
        switch change {
        case .put(let key, let value): tree.put([UInt8](key), [mark] + value)
        case .delete(let key): tree.put([UInt8](key), [])
        case .deleteRange(let lower, let upper):
            let inTree = MemoryIterator(tree, [UInt8](lower), [UInt8](upper), failure: nil)
            inTree.seekToFirst()
            while inTree.isValid {
                tree.put(inTree.key, [])
                inTree.next()
            }
            for key in baseKeys.removeFirst() { tree.put(key, []) }
        }
    }

    private func keys(
        of store: any OrderedStore, in range: (lower: [UInt8], upper: [UInt8])
    ) throws(StoreError) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        let iterator = store.iterator(from: range.lower, upTo: range.upper)
        iterator.seekToFirst()
        while iterator.isValid {
            keys.append(iterator.key)
            iterator.next()
        }
        try iterator.checkStatus()
        return keys
    }

    /// Nothing to do: nothing here outlives the process.
    public func flush() throws(StoreError) {
        _ = try snapshot()
    }

    /// Checkpoints are directories, and what is here is in memory.
    public func checkpoint(at path: String) throws(StoreError) {
        throw .invalid("an overlay in memory has no checkpoint at \(path)")
    }

    /// Leaves the other store open.
    public func close() throws(StoreError) {
        state.withLock { $0.isClosed = true }
    }

    private func snapshot() throws(StoreError) -> PersistentTree {
        let (changes, isClosed) = state.withLock { ($0.changes, $0.isClosed) }
        if isClosed { throw .closed }
        return changes
    }
}

import Synchronization

/// An ordered store in memory that can lose what was not synced, the way a disk does: for tests and the simulator.
///
/// A crash keeps what was durable and, of the batches after that, any prefix the caller chooses; whole batches only.
public final class MemoryStore: OrderedStore {
    private struct State {
        var current = PersistentTree()
        var durable = PersistentTree()
        /// The versions after each batch that is not durable yet, oldest first.
        var unsynced: [PersistentTree] = []
        var isClosed = false
        /// Thrown by every write and flush while set.
        var writeFault: StoreError?

        mutating func sync() {
            durable = current
            unsynced.removeAll()
        }
    }

    private let hasWriteAheadLog: Bool
    private let state = Mutex(State())

    /// - Parameter writeAheadLog: whether single writes can be made durable; without, only `flush()` can.
    public init(writeAheadLog: Bool = true) {
        hasWriteAheadLog = writeAheadLog
    }

    public func read(
        _ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(StoreError) -> Bool {
        guard let node = try snapshot().node(key) else { return false }
        node.value.withUnsafeBytes(body)
        return true
    }

    public func iterator(from lower: [UInt8], upTo upper: [UInt8]?) -> any StoreIterator {
        do throws(StoreError) {
            return MemoryIterator(try snapshot(), lower, upper, failure: nil)
        } catch {
            return MemoryIterator(PersistentTree(), lower, upper, failure: error)
        }
    }

    public func write(_ batch: WriteBatch, durable: Bool) throws(StoreError) {
        if durable && !hasWriteAheadLog { throw .withoutWriteAheadLog }
        try change { state in
            batch.forEach { Self.carryOut($0, in: &state.current) }
            if durable {
                state.sync()
            } else {
                state.unsynced.append(state.current)
            }
        }
    }

    public func flush() throws(StoreError) {
        try change { $0.sync() }
    }

    /// Checkpoints are directories, and this store has none.
    public func checkpoint(at path: String) throws(StoreError) {
        throw .invalid("a store in memory has no checkpoint at \(path)")
    }

    public func close() throws(StoreError) {
        try change {
            $0.sync()
            $0.isClosed = true
        }
    }

    private func snapshot() throws(StoreError) -> PersistentTree {
        let (tree, isClosed) = state.withLock { ($0.current, $0.isClosed) }
        if isClosed { throw .closed }
        return tree
    }

    private func change(_ body: (inout State) -> Void) throws(StoreError) {
        let failure = state.withLock { state -> StoreError? in
            if state.isClosed { return .closed }
            if let fault = state.writeFault { return fault }
            body(&state)
            return nil
        }
        if let failure { throw failure }
    }

    private static func carryOut(_ change: WriteBatch.Change, in tree: inout PersistentTree) {
        switch change {
        case .put(let key, let value): tree.put([UInt8](key), [UInt8](value))
        case .delete(let key): tree.delete([UInt8](key))
        case .deleteRange(let lower, let upper):
            while let node = tree.first(from: [UInt8](lower), strictly: false),
                node.key.withUnsafeBytes({ KeyOrder.compare($0, upper) }) < 0
            {
                tree.delete(node.key)
            }
        }
    }
}

// What a simulator does to a disk.
extension MemoryStore {
    /// Batches written since the last durable point: what a crash may take away.
    public var unsyncedBatchCount: Int { state.withLock { $0.unsynced.count } }

    /// Goes back to the last durable point plus the first `surviving` batches after it (clamped to those there are),
    /// and opens the store again if it was closed. Iterators made before keep what they saw.
    public func crash(surviving: Int = 0) {
        state.withLock { state in
            let kept = min(max(surviving, 0), state.unsynced.count)
            state.current = kept == 0 ? state.durable : state.unsynced[kept - 1]
            state.sync()
            state.isClosed = false
        }
    }

    /// Makes every write and flush fail with `fault` until called with nil: a full or broken disk.
    public func setWriteFault(_ fault: StoreError?) {
        state.withLock { $0.writeFault = fault }
    }
}

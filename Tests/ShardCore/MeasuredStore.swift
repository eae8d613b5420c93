import Store
import Synchronization

/// A store in memory that remembers how great the last batch was.
final class MeasuredStore: OrderedStore {
    private let memory = MemoryStore()
    private let bytes = Atomic(0)

    var lastBatchBytes: Int { bytes.load(ordering: .relaxed) }

    func read(_ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) throws(StoreError) -> Bool {
        try memory.read(key, body)
    }

    func iterator(from lower: [UInt8], upTo upper: [UInt8]?) -> any StoreIterator {
        memory.iterator(from: lower, upTo: upper)
    }

    /// Durable at once, so that the store keeps no earlier states.
    func write(_ batch: WriteBatch, durable: Bool) throws(StoreError) {
        bytes.store(batch.byteCount, ordering: .relaxed)
        try memory.write(batch, durable: true)
    }

    func flush() throws(StoreError) { try memory.flush() }
    func checkpoint(at path: String) throws(StoreError) { try memory.checkpoint(at: path) }
    func close() throws(StoreError) { try memory.close() }
}

import Store
import Synchronization

/// A store that lets something else happen just before it looks something up, as another thread would.
final class InterruptedStore: OrderedStore {
    private let base: any OrderedStore
    private let interruption = Mutex<(@Sendable () -> Void)?>(nil)

    init(_ base: any OrderedStore) { self.base = base }

    /// What happens before the next look-up, once.
    func interrupt(by body: @escaping @Sendable () -> Void) { interruption.withLock { $0 = body } }

    private func pause() {
        let body = interruption.withLock { interruption in
            defer { interruption = nil }
            return interruption
        }
        body?()
    }

    func read(_ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) throws(StoreError) -> Bool {
        pause()
        return try base.read(key, body)
    }

    func iterator(from lower: [UInt8], upTo upper: [UInt8]?) -> any StoreIterator {
        pause()
        return base.iterator(from: lower, upTo: upper)
    }

    func write(_ batch: WriteBatch, durable: Bool) throws(StoreError) { try base.write(batch, durable: durable) }
    func flush() throws(StoreError) { try base.flush() }
    func checkpoint(at path: String) throws(StoreError) { try base.checkpoint(at: path) }
    func close() throws(StoreError) { try base.close() }
}

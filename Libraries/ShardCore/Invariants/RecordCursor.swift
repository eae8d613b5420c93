import Protocol
import Store

/// Walks through one collection of a shard in key order, decoding as it goes: what lets several collections be read
/// side by side without holding any of them.
struct RecordCursor<Element> {
    private let iterator: any StoreIterator
    private let decode: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Element?
    private let unreadable: (_ key: [UInt8]) -> Void
    /// The record the cursor stands on; nil behind the last one.
    private(set) var current: Element?

    /// Stands on the first record. Those that `decode` refuses are handed to `unreadable` and passed over.
    init(
        _ iterator: any StoreIterator,
        decode: @escaping (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Element?,
        unreadable: @escaping (_ key: [UInt8]) -> Void
    ) throws(ShardStateError) {
        self.iterator = iterator
        self.decode = decode
        self.unreadable = unreadable
        iterator.seekToFirst()
        try load()
    }

    mutating func advance() throws(ShardStateError) {
        guard current != nil else { return }
        iterator.next()
        try load()
    }

    private mutating func load() throws(ShardStateError) {
        current = nil
        while iterator.isValid {
            var element: Element?
            iterator.withEntry { element = decode($0, $1) }
            current = element
            guard current == nil else { return }
            unreadable(iterator.key)
            iterator.next()
        }
        do throws(StoreError) {
            try iterator.checkStatus()
        } catch {
            throw .store(error)
        }
    }
}

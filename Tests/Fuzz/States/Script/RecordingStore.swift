import Store
import Synchronization

/// A store in memory that remembers which keys the last batch changed.
final class RecordingStore: OrderedStore {
    let memory: MemoryStore
    private let keys = Mutex<[[UInt8]]>([])

    init(writeAheadLog: Bool = false) { memory = MemoryStore(writeAheadLog: writeAheadLog) }

    func read(_ key: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) throws(StoreError) -> Bool {
        try memory.read(key, body)
    }

    func iterator(from lower: [UInt8], upTo upper: [UInt8]?) -> any StoreIterator {
        memory.iterator(from: lower, upTo: upper)
    }

    func write(_ batch: WriteBatch, durable: Bool) throws(StoreError) {
        var changed: [[UInt8]] = []
        batch.forEach { change in
            switch change {
            case .put(let key, _), .delete(let key), .deleteRange(let key, _): changed.append([UInt8](key))
            }
        }
        keys.withLock { $0 = changed }
        try memory.write(batch, durable: durable)
    }

    /// What the last batch changed.
    var lastKeys: [[UInt8]] { keys.withLock { $0 } }

    func flush() throws(StoreError) { try memory.flush() }
    func checkpoint(at path: String) throws(StoreError) { try memory.checkpoint(at: path) }
    func close() throws(StoreError) { try memory.close() }

    /// Everything in the store, in order.
    var contents: [[UInt8]] {
        var contents: [[UInt8]] = []
        let iterator = memory.iterator(from: [], upTo: nil)
        iterator.seekToFirst()
        while iterator.isValid {
            contents.append(iterator.key)
            contents.append(iterator.value)
            iterator.next()
        }
        return contents
    }
}

/// The first difference between two stores that must be equal, nil when they are.
func difference(_ first: RecordingStore, _ second: RecordingStore) -> String? {
    let (first, second) = (first.contents, second.contents)
    guard first != second else { return nil }
    for number in stride(from: 0, to: min(first.count, second.count), by: 2) {
        guard first[number] == second[number] else { return "one has \(first[number]), the other \(second[number])" }
        guard first[number + 1] == second[number + 1] else {
            return "\(first[number]) is \(first[number + 1]) and \(second[number + 1])"
        }
    }
    return "one has \(first.count / 2) records, the other \(second.count / 2)"
}

import Glibc
import Store
import TestSupport
import Testing

/// Random operations on `RocksStore` and `MemoryStore` side by side: every answer must be the same.
@Suite(.timeLimit(.minutes(2)))
struct ModelTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64], [false, true])
    func rocksAnswersLikeTheModel(seed: UInt64, writeAheadLog: Bool) throws {
        let directory = try TemporaryDirectory("store")
        var options = RocksOptions(writeAheadLog: writeAheadLog, memoryBudgetBytes: 4 << 20)
        options.openFiles = 64
        var random = SeededGenerator(seed: seed)
        let model = MemoryStore(writeAheadLog: writeAheadLog)
        var opened: RocksStore? = try RocksStore(directory: directory.path, options: options)
        for step in 0..<400 {
            if step % 101 == 100 {
                try opened?.close()
                opened = nil  // releases the directory
                opened = try RocksStore(directory: directory.path, options: options)
            }
            let store = try #require(opened)
            let batch = randomBatch(&random)
            let durable = writeAheadLog && step % 50 == 0
            try store.write(batch, durable: durable)
            try model.write(batch, durable: durable)
            if step % 37 == 0 { try store.flush() }
            let key = randomKey(&random)
            #expect(try store.get(key) == model.get(key))
            #expect(try store.contains(key) == model.contains(key))
            if step % 4 == 0 { try compareIterators(store, model, &random, at: randomKey) }
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func overlayAnswersLikeTheModelAndLeavesItsBaseAlone(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let (base, model) = (MemoryStore(), MemoryStore())
        for _ in 0..<40 {
            let batch = randomBatch(&random)
            try base.write(batch, durable: false)
            try model.write(batch, durable: false)
        }
        let before = entries(base.iterator(from: [], upTo: nil)).map { $0.0 + [0] + $0.1 }
        let overlay = OverlayStore(over: base)
        for _ in 0..<120 {
            let batch = randomBatch(&random)
            try overlay.write(batch, durable: false)
            try model.write(batch, durable: false)
            let key = randomKey(&random)
            #expect(try overlay.get(key) == model.get(key))
            #expect(try overlay.contains(key) == model.contains(key))
            try compareIterators(overlay, model, &random, at: randomKey)
        }
        #expect(entries(base.iterator(from: [], upTo: nil)).map { $0.0 + [0] + $0.1 } == before)
    }

    @Test func readOnlyStoreTakesNoLockAndChangesNothing() throws {
        let directory = try TemporaryDirectory("store")
        var options = RocksOptions(writeAheadLog: false)
        do {
            let store = try RocksStore(directory: directory.path, options: options)
            try store.write(batch([("a", "1")]), durable: false)
            try store.close()
        }
        let before = names(in: directory.path, endingIn: "")
        options.isReadOnly = true
        do {
            let reader = try RocksStore(directory: directory.path, options: options)
            #expect(try reader.get(Array("a".utf8)) == Array("1".utf8))
            #expect(throws: StoreError.self) { try reader.write(batch([("b", "2")]), durable: false) }
            #expect(throws: StoreError.self) { try reader.flush() }
            let other = try RocksStore(directory: directory.path, options: options)
            #expect(try other.contains(Array("a".utf8)))
            try reader.close()
        }
        #expect(names(in: directory.path, endingIn: "").sorted() == before.sorted())
        let missing = directory.path + "/missing"
        #expect(throws: StoreError.self) { try RocksStore(directory: missing, options: options) }
        #expect(access(missing, F_OK) != 0)
    }

    @Test func iteratorsDoNotSeeLaterWrites() throws {
        let directory = try TemporaryDirectory("store")
        let rocks = try RocksStore(directory: directory.path, options: RocksOptions(writeAheadLog: false))
        for store in [rocks, MemoryStore()] as [any OrderedStore] {
            try store.write(batch([("a", "1"), ("b", "2")]), durable: false)
            let iterator = store.iterator(from: [], upTo: nil)
            var later = batch([("aa", "3")])
            later.delete(Array("b".utf8))
            try store.write(later, durable: false)
            #expect(entries(iterator).map(\.0) == [Array("a".utf8), Array("b".utf8)])
            #expect(entries(store.iterator(from: [], upTo: nil)).map(\.0) == [Array("a".utf8), Array("aa".utf8)])
        }
    }

    @Test func crossedBoundsAreAnEmptyRange() throws {
        let directory = try TemporaryDirectory("store")
        let rocks = try RocksStore(directory: directory.path, options: RocksOptions(writeAheadLog: false))
        for store in [rocks, MemoryStore()] as [any OrderedStore] {
            try store.write(batch([("a", "1"), ("b", "2"), ("c", "3")]), durable: false)
            let iterator = store.iterator(from: Array("c".utf8), upTo: Array("b".utf8))
            #expect(entries(iterator).isEmpty)
            iterator.seekToLast()
            #expect(!iterator.isValid)
        }
    }

    @Test func deletedRangesIncludeEarlierChangesOfTheirBatch() throws {
        let directory = try TemporaryDirectory("store")
        let rocks = try RocksStore(directory: directory.path, options: RocksOptions(writeAheadLog: false))
        for store in [rocks, MemoryStore()] as [any OrderedStore] {
            var changes = batch([("a", "1"), ("b", "2")])
            changes.deleteRange(from: Array("a".utf8), upTo: Array("c".utf8))
            changes.put(Array("b".utf8), Array("3".utf8))
            try store.write(changes, durable: false)
            #expect(try store.get(Array("a".utf8)) == nil)
            #expect(try store.get(Array("b".utf8)) == Array("3".utf8))
        }
    }
}

func batch(_ entries: [(String, String)]) -> WriteBatch {
    var batch = WriteBatch()
    for (key, value) in entries { batch.put(Array(key.utf8), Array(value.utf8)) }
    return batch
}

/// Short keys over few letters, so that overwriting, prefixes and hits are frequent. Now and then the empty key.
private func randomKey(_ random: inout SeededGenerator) -> [UInt8] {
    let letters: [UInt8] = [0x00, 0x61, 0x62, 0xff]
    return (0..<Int(random.next() % 6)).map { _ in letters[Int(random.next() % 4)] }
}

private func randomBatch(_ random: inout SeededGenerator) -> WriteBatch {
    var batch = WriteBatch()
    for _ in 0..<Int(random.next() % 12) {
        switch random.next() % 16 {
        case 0..<11:
            let value = [UInt8](repeating: UInt8(truncatingIfNeeded: random.next()), count: Int(random.next() % 200))
            batch.put(randomKey(&random), value)
        case 11..<15: batch.delete(randomKey(&random))
        default:
            let (one, other) = (randomKey(&random), randomKey(&random))
            let ordered = KeyOrder.compare(one, other) < 0
            batch.deleteRange(from: ordered ? one : other, upTo: ordered ? other : one)
        }
    }
    return batch
}

import Glibc
import Store
import TestSupport
import Testing

/// What survives a crash, a damaged file, a full disk.
@Suite(.timeLimit(.minutes(2)))
struct DurabilityTests {
    @Test func memoryLosesWhatWasNotSynced() throws {
        let store = MemoryStore()
        try store.write(batch([("a", "1")]), durable: true)
        try store.write(batch([("b", "2")]), durable: false)
        try store.write(batch([("a", "3"), ("c", "4")]), durable: false)
        #expect(store.unsyncedBatchCount == 2)
        store.crash(surviving: 1)
        #expect(try store.get(Array("a".utf8)) == Array("1".utf8))
        #expect(try store.get(Array("b".utf8)) == Array("2".utf8))
        #expect(try store.get(Array("c".utf8)) == nil)
        store.crash(surviving: 7)
        #expect(try store.get(Array("b".utf8)) == Array("2".utf8))
    }

    @Test func aDurableWriteCarriesEverythingBefore() throws {
        let store = MemoryStore()
        try store.write(batch([("a", "1")]), durable: false)
        try store.write(batch([("b", "2")]), durable: true)
        store.crash()
        #expect(try store.get(Array("a".utf8)) == Array("1".utf8))
    }

    @Test func withoutLogOnlyFlushIsDurable() throws {
        let directory = try TemporaryDirectory("store")
        let memory = MemoryStore(writeAheadLog: false)
        let rocks = try RocksStore(directory: directory.path, options: RocksOptions(writeAheadLog: false))
        for store in [memory, rocks] as [any OrderedStore] {
            #expect(throws: StoreError.withoutWriteAheadLog) { try store.write(batch([("a", "1")]), durable: true) }
            #expect(try store.get(Array("a".utf8)) == nil)
        }
        try memory.write(batch([("a", "1")]), durable: false)
        try memory.flush()
        try memory.write(batch([("b", "1")]), durable: false)
        memory.crash()
        #expect(try memory.contains(Array("a".utf8)))
        #expect(try !memory.contains(Array("b".utf8)))
    }

    /// A checkpoint is what the disk would hold at this moment: without a log, exactly what was flushed, as whole
    /// batches.
    @Test func aCheckpointIsAConsistentCopy() throws {
        let directory = try TemporaryDirectory("store")
        let store = try RocksStore(
            directory: directory.path + "/store", options: RocksOptions(writeAheadLog: false))
        for number in 0..<100 {
            try store.write(batch([("x", "\(number)"), ("y", "\(number)")]), durable: false)
        }
        try store.checkpoint(at: directory.path + "/copy")
        try store.write(batch([("x", "later")]), durable: false)
        let copy = try RocksStore(directory: directory.path + "/copy", options: RocksOptions(writeAheadLog: false))
        #expect(try copy.get(Array("x".utf8)) == Array("99".utf8))
        #expect(try copy.get(Array("y".utf8)) == Array("99".utf8))
        #expect(throws: StoreError.self) { try store.checkpoint(at: directory.path + "/copy") }
    }

    /// The state after a kill is a prefix of the batches: a copy of the files taken while writing shows no half batch.
    @Test func filesCopiedBetweenFlushesHoldAPrefixOfTheBatches() throws {
        let directory = try TemporaryDirectory("store")
        let options = RocksOptions(writeAheadLog: false, memoryBudgetBytes: 4 << 20)
        let store = try RocksStore(directory: directory.path + "/store", options: options)
        let padding = String(repeating: "p", count: 4000)
        for number in 0..<900 {  // several write buffers, which RocksDB flushes by itself
            let value = "\(number)"
            try store.write(batch([("x", value), ("y", value), ("pad\(number)", padding)]), durable: false)
            if number == 500 { try store.flush() }
        }
        try store.checkpoint(at: directory.path + "/copy")
        let copy = try RocksStore(directory: directory.path + "/copy", options: options)
        let (left, right) = (try copy.get(Array("x".utf8)), try copy.get(Array("y".utf8)))
        #expect(left == right)
        #expect(left != nil)
    }

    @Test func damageIsATypedError() throws {
        let directory = try TemporaryDirectory("store")
        let path = directory.path + "/store"
        let options = RocksOptions(writeAheadLog: false)
        do {
            let store = try RocksStore(directory: path, options: options)
            for number in 0..<2000 { try store.write(batch([("key\(number)", "value\(number)")]), durable: false) }
            try store.close()
        }
        for name in names(in: path, endingIn: ".sst") { try scribble(over: path + "/" + name) }
        var failures = 0
        do {
            let store = try RocksStore(directory: path, options: options)
            for number in 0..<2000 {
                do { _ = try store.get(Array("key\(number)".utf8)) } catch { failures += 1 }
            }
            let iterator = store.iterator(from: [], upTo: nil)
            iterator.seekToFirst()
            while iterator.isValid { iterator.next() }
            do { try iterator.checkStatus() } catch { failures += 1 }
        } catch {
            failures += 1
        }
        #expect(failures > 0)
    }

    @Test func opensOnlyOnce() throws {
        let directory = try TemporaryDirectory("store")
        let store = try RocksStore(directory: directory.path, options: RocksOptions(writeAheadLog: false))
        let error = #expect(throws: StoreError.self) {
            _ = try RocksStore(directory: directory.path, options: RocksOptions(writeAheadLog: false))
        }
        guard case .locked = error else {
            Issue.record("expected .locked, got \(String(describing: error))")
            return
        }
        try store.close()
        #expect(throws: StoreError.closed) { try store.get([1]) }
        #expect(throws: StoreError.closed) { try store.write(WriteBatch(), durable: false) }
        #expect(throws: StoreError.closed) { try store.iterator(from: [], upTo: nil).checkStatus() }
    }

    @Test func aMissingDatabaseIsAnErrorWhenItShouldBeThere() throws {
        let directory = try TemporaryDirectory("store")
        var options = RocksOptions(writeAheadLog: false)
        options.createIfMissing = false
        #expect(throws: StoreError.self) { _ = try RocksStore(directory: directory.path, options: options) }
        #expect(throws: StoreError.self) {
            _ = try RocksStore(
                directory: directory.path + "/no/such/parent", options: RocksOptions(writeAheadLog: true))
        }
    }

    @Test func memoryBreaksItsDiskOnRequest() throws {
        let store = MemoryStore()
        store.setWriteFault(.noSpace("full"))
        #expect(throws: StoreError.noSpace("full")) { try store.write(batch([("a", "1")]), durable: false) }
        store.setWriteFault(nil)
        #expect(try store.get(Array("a".utf8)) == nil)
        try store.write(batch([("a", "1")]), durable: false)
    }
}

/// Inverts bytes all over the file `path`, leaving its length and last 512 bytes as they are.
private func scribble(over path: String) throws {
    let file = open(path, O_RDWR)
    guard file >= 0 else { throw POSIXFailure("change a byte of a file") }
    defer { close(file) }
    let size = lseek(file, 0, SEEK_END)
    for offset in stride(from: 16, to: max(size - 512, 17), by: 64) {
        var byte: UInt8 = 0
        guard pread(file, &byte, 1, offset) == 1 else { throw POSIXFailure("change a byte of a file") }
        byte = ~byte
        guard pwrite(file, &byte, 1, offset) == 1 else { throw POSIXFailure("change a byte of a file") }
    }
}

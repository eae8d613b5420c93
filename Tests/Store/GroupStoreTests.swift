import Store
import TestSupport
import Testing

/// What one group sees of a store that others use too.
@Suite(.timeLimit(.minutes(2)))
struct GroupStoreTests {
    /// Data directories from before there were generations: nothing is added to them, nothing moved.
    @Test func generationZeroIsStoredAsItIs() throws {
        let base = MemoryStore()
        try base.write(batch([("\u{7}a", "1"), ("\u{8}a", "2")]), durable: false)
        let store = try GroupStore(over: base, prefix: [7])
        #expect(try store.get([7, 0x61]) == Array("1".utf8))
        try store.write(batch([("\u{7}b", "3")]), durable: true)
        #expect(entries(base.iterator(from: [], upTo: nil)).map(\.0) == [[7, 0x61], [7, 0x62], [8, 0x61]])
        #expect(entries(store.iterator(from: [], upTo: nil)).map(\.0) == [[7, 0x61], [7, 0x62]])
    }

    @Test(arguments: [[], [0xfe], [0xff, 0, 0, 0, 1, 0x61]] as [[UInt8]])
    func keysThatNoStateHasAreRefused(rest: [UInt8]) throws {
        for prefix in [[], [7]] as [[UInt8]] {
            let store = try GroupStore(over: MemoryStore(), prefix: prefix)
            #expect(throws: StoreError.self) { try store.get(prefix + rest) }
            var put = WriteBatch()
            put.put(prefix + rest, [1])
            #expect(throws: StoreError.self) { try store.write(put, durable: false) }
            var delete = WriteBatch()
            delete.delete(prefix + rest)
            #expect(throws: StoreError.self) { try store.write(delete, durable: false) }
        }
    }

    @Test func keysOfOtherGroupsAreRefused() throws {
        let store = try GroupStore(over: MemoryStore(), prefix: [7])
        #expect(throws: StoreError.self) { try store.get([8, 1]) }
        // The whole batch, not only what is wrong in it.
        #expect(throws: StoreError.self) {
            try store.write(batch([("\u{7}a", "1"), ("\u{8}a", "2")]), durable: false)
        }
        #expect(try store.get([7, 0x61]) == nil)
    }

    /// Whoever deletes to the end of what a group can have must not take the record and the generations with it.
    @Test(arguments: [[], [7]] as [[UInt8]])
    func deletedRangesEndWithTheState(prefix: [UInt8]) throws {
        let base = MemoryStore()
        let store = try GroupStore(over: base, prefix: prefix)
        for _ in 0..<2 {
            let replacement = try store.beginReplacing()
            try replacement.put([StatePair(key: [0x61], value: [1])])
            var all = WriteBatch()
            all.deleteRange(from: [], upTo: [0xff, 0xff, 0xff])
            try store.write(all, durable: false)
            #expect(try store.contents().isEmpty)
            try replacement.finish()
            #expect(try GroupStore(over: base, prefix: prefix).contents() == [StatePair(key: [0x61], value: [1])])
        }
    }

    @Test(arguments: [[], [0], [2, 0, 0, 0, 1], [1], [1, 0, 0, 0], [1, 0, 0, 0, 1, 0], [0xff]] as [[UInt8]])
    func anUnreadableRecordIsCorruption(record: [UInt8]) throws {
        let base = MemoryStore()
        var batch = WriteBatch()
        batch.put([7, 0xfe], record)
        try base.write(batch, durable: false)
        let error = #expect(throws: StoreError.self) { try GroupStore(over: base, prefix: [7]) }
        guard case .corruption = error else {
            Issue.record("expected corruption, got \(String(describing: error))")
            return
        }
    }

    @Test(arguments: [[], [0, 0, 1], [0xff, 0xff, 0xff, 0xff], [0xff, 0xff, 0xff, 0xff, 0x61]] as [[UInt8]])
    func unreadableGenerationsAreCorruptionUntilTheyAreRemoved(rest: [UInt8]) throws {
        let base = MemoryStore()
        var batch = WriteBatch()
        batch.put([7, 0xff] + rest, [1])
        try base.write(batch, durable: false)
        let store = try GroupStore(over: base, prefix: [7])
        #expect(throws: StoreError.self) { try store.beginReplacing() }
        #expect(try store.removeOutdated(limit: 1))
        try store.beginReplacing().finish()
    }

    /// The state is replaced, and the former one removed, between a reader's look at the generation and at the key.
    @Test func readersNoticeASwitch() throws {
        let base = InterruptedStore(MemoryStore(writeAheadLog: false))
        let store = try GroupStore(over: base, prefix: [7])
        let (key, value) = ([7, 0x61] as [UInt8], [1] as [UInt8])
        try store.write(batch([("\u{7}a", "old")]), durable: false)
        let replace: @Sendable () -> Void = {
            #expect(throws: Never.self) {
                let replacement = try store.beginReplacing()
                try replacement.put([StatePair(key: [0x61], value: value)])
                try replacement.finish()
                while try store.removeOutdated(limit: 10) {}
            }
        }
        for _ in 0..<3 {
            base.interrupt(by: replace)
            #expect(try store.get(key) == value)
            base.interrupt(by: replace)
            #expect(entries(store.iterator(from: [], upTo: nil)).map(\.1) == [value])
            base.interrupt(by: replace)
            #expect(try store.contents() == [StatePair(key: [0x61], value: value)])
        }
    }

    /// Readers on other threads, while the state is replaced and the former one removed again and again, see one whole
    /// state or another.
    @Test func readersSeeWholeStatesWhileTheyAreReplaced() async throws {
        let store = try GroupStore(over: MemoryStore(writeAheadLog: false), prefix: [7])
        let keys = (0..<10 as Range<UInt8>).map { [$0] }
        func replace(by value: UInt8) throws {
            let replacement = try store.beginReplacing()
            try replacement.put(keys.map { StatePair(key: $0, value: [value]) })
            try replacement.finish()
            while try store.removeOutdated(limit: 4) {}
        }
        try replace(by: 0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for _ in 0..<3000 {
                    for key in keys { #expect(try store.contains([7] + key)) }
                    let pairs = try store.contents(byteCount: 1000)
                    #expect(pairs.count == keys.count && Set(pairs.map(\.value)).count == 1)
                }
            }
            for value in 0..<1000 { try replace(by: UInt8(truncatingIfNeeded: value)) }
            try await group.waitForAll()
        }
    }

    @Test func aClosedStoreSaysSo() throws {
        let base = MemoryStore()
        let store = try GroupStore(over: base, prefix: [7])
        try store.close()
        #expect(throws: StoreError.closed) { try store.get([7, 1]) }
        #expect(throws: StoreError.closed) { try store.view() }
        #expect(throws: StoreError.closed) { try store.beginReplacing() }
        #expect(throws: StoreError.closed) { try store.removeOutdated(limit: 1) }
        #expect(throws: StoreError.closed) { try GroupStore(over: base, prefix: [7]) }
    }
}

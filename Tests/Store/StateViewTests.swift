import Store
import TestSupport
import Testing

/// A view is the state of one moment, in parts.
@Suite(.timeLimit(.minutes(2)))
struct StateViewTests {
    /// Writes, a switch and the removal of all that the view shows, in both stores and in any generation.
    @Test(arguments: [0, 1, 2], [false, true])
    func nothingDisturbsAView(generation: Int, isOnDisk: Bool) throws {
        let directory = try TemporaryDirectory("store", inMemory: true)
        let options = RocksOptions(writeAheadLog: false)
        let base: any OrderedStore =
            isOnDisk ? try RocksStore(directory: directory.path, options: options) : MemoryStore()
        let store = try GroupStore(over: base, prefix: [7])
        for _ in 0..<generation { try store.beginReplacing().finish() }
        let pairs = (0..<100 as Range<UInt8>).map { StatePair(key: [$0, $0], value: [$0]) }
        var all = WriteBatch()
        for pair in pairs { all.put([7] + pair.key, pair.value) }
        try store.write(all, durable: false)

        let view = try store.view()
        #expect(try view.next(byteCount: 30) == [StatePair](pairs[..<10]))
        var changes = WriteBatch()
        for key in 0..<200 as Range<UInt8> {
            changes.put([7, key], [key])
            changes.delete([7, key, key])
        }
        try store.write(changes, durable: false)
        #expect(try view.next(byteCount: 30) == [StatePair](pairs[10..<20]))
        let replacement = try store.beginReplacing()
        try replacement.put([StatePair(key: [1], value: [2])])
        try replacement.finish()
        #expect(try view.next(byteCount: 30) == [StatePair](pairs[20..<30]))
        while try store.removeOutdated(limit: 50) {}
        try store.flush()
        #expect(try view.next(byteCount: 1 << 20) == [StatePair](pairs[30...]))
        #expect(try view.next(byteCount: 30) == nil)
        #expect(try store.contents() == [StatePair(key: [1], value: [2])])
    }

    /// A receiver that has everything up to a key goes on behind it, in this view or in another one.
    @Test(arguments: [0, 1])
    func receiversGoOnBehindAKey(generation: Int) throws {
        let store = try GroupStore(over: MemoryStore(), prefix: [7])
        for _ in 0..<generation { try store.beginReplacing().finish() }
        try store.write(batch([("\u{7}a", "1"), ("\u{7}a\u{0}", "2"), ("\u{7}b", "3")]), durable: false)
        let view = try store.view()
        let all = try view.next(byteCount: 100)
        #expect(all?.map(\.key) == [[0x61], [0x61, 0], [0x62]])
        for view in [view, try store.view()] {
            view.move(after: [0x61])
            #expect(try view.next(byteCount: 100)?.map(\.key) == [[0x61, 0], [0x62]])
            view.move(after: [0x61, 0, 0])
            #expect(try view.next(byteCount: 100)?.map(\.key) == [[0x62]])
            // What a peer asks for may be anything.
            for key in [[0x62], [0xfe], [0xff], [0xff, 0, 0, 0, 1, 0x61]] as [[UInt8]] {
                view.move(after: key)
                #expect(try view.next(byteCount: 100) == nil)
            }
            view.move(after: [])
            #expect(try view.next(byteCount: 100) == all)
        }
    }

    @Test func partsHaveAboutTheSizeAskedFor() throws {
        let store = try GroupStore(over: MemoryStore(), prefix: [])
        var all = WriteBatch()
        for key in 0..<100 as Range<UInt8> { all.put([key], [UInt8](repeating: key, count: 99)) }
        try store.write(all, durable: false)
        let view = try store.view()
        #expect(try view.next(byteCount: 1000)?.count == 10)
        #expect(try view.next(byteCount: 1001)?.count == 11)
        #expect(try view.next(byteCount: 0)?.count == 1)
        #expect(try view.next(byteCount: -1)?.count == 1)
        #expect(try view.next(byteCount: .max)?.count == 77)
        #expect(try view.next(byteCount: 1) == nil)
    }
}

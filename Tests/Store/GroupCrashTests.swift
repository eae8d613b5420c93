import Store
import TestSupport
import Testing

/// Crashes at any point: what is there afterwards is the state of one moment since the last flush, whole, be it before
/// or after a switch.
@Suite(.timeLimit(.minutes(2)))
struct GroupCrashTests {
    @Test(arguments: 1...30 as ClosedRange<UInt64>, GroupModelTests.prefixes)
    func atAnyPoint(seed: UInt64, prefixes: [[UInt8]]) throws {
        var random = SeededGenerator(seed: seed)
        let base = MemoryStore(writeAheadLog: false)
        var world = try GroupWorld(base, prefixes)
        // What should be there after each batch since the last flush, from that flush on.
        var history = [world.models]
        for _ in 0..<300 {
            try world.step(&random)
            #expect((history.count - 1...history.count).contains(base.unsyncedBatchCount))
            if base.unsyncedBatchCount == history.count { history.append(world.models) }
            if random.oneIn(20) {
                try base.flush()
                history = [world.models]
            }
            if random.oneIn(15) {
                let surviving = Int.random(in: 0..<history.count, using: &random)
                base.crash(surviving: surviving)
                try world.reopen(history[surviving])
                try world.compare(&random)
                history = [world.models]
            }
        }
        try world.clean()
        try world.compare(&random)
    }

    /// The order in which an installed state becomes durable: nothing of it shows before the switch is on the disk.
    @Test func aSwitchIsDurableOnceFlushed() throws {
        let base = MemoryStore(writeAheadLog: false)
        let store = try GroupStore(over: base, prefix: [7])
        try store.write(batch([("\u{7}a", "old")]), durable: false)
        try store.flush()
        let replacement = try store.beginReplacing()
        try replacement.put([StatePair(key: [0x61], value: [1])])
        try replacement.finish()
        #expect(try store.get([7, 0x61]) == [1])
        base.crash()
        let old = try GroupStore(over: base, prefix: [7])
        #expect(try old.get([7, 0x61]) == Array("old".utf8))
        let again = try old.beginReplacing()
        try again.put([StatePair(key: [0x62], value: [2])])
        try again.finish()
        try old.flush()
        base.crash()
        #expect(try GroupStore(over: base, prefix: [7]).contents() == [StatePair(key: [0x62], value: [2])])
    }

    @Test func aBrokenDiskLeavesTheOldState() throws {
        let base = MemoryStore(writeAheadLog: false)
        let store = try GroupStore(over: base, prefix: [7])
        try store.write(batch([("\u{7}a", "old")]), durable: false)
        let replacement = try store.beginReplacing()
        base.setWriteFault(.noSpace("full"))
        #expect(throws: StoreError.noSpace("full")) { try replacement.put([StatePair(key: [0x61], value: [1])]) }
        #expect(replacement.lastKey == nil)
        #expect(throws: StoreError.noSpace("full")) { try replacement.finish() }
        #expect(try store.get([7, 0x61]) == Array("old".utf8))
        base.setWriteFault(nil)
        try replacement.put([StatePair(key: [0x61], value: [1])])
        try replacement.finish()
        #expect(try store.get([7, 0x61]) == [1])
        base.setWriteFault(.noSpace("full"))
        #expect(throws: StoreError.noSpace("full")) { try store.removeOutdated(limit: 5) }
        base.setWriteFault(nil)
        #expect(try store.removeOutdated(limit: 5))
        #expect(try !store.removeOutdated(limit: 5))
    }
}

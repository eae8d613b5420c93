import Store
import TestSupport
import Testing

/// A state is built beside the present one, of whatever a peer sends.
@Suite(.timeLimit(.minutes(2)))
struct StateReplacementTests {
    private let base = MemoryStore(writeAheadLog: false)
    private let store: GroupStore

    init() throws {
        store = try GroupStore(over: base, prefix: [7])
        try store.write(batch([("\u{7}a", "old"), ("\u{7}b", "old")]), durable: false)
    }

    private func pair(_ key: [UInt8]) -> StatePair { StatePair(key: key, value: [1]) }

    @Test(arguments: [[], [0xfe], [0xff], [0xfe, 1], [0xff, 0, 0, 0, 1, 0x61]] as [[UInt8]])
    func keysThatNoStateHasAreRefused(key: [UInt8]) throws {
        let replacement = try store.beginReplacing()
        // The first part of a state, so that it is not the order that is wrong.
        #expect(throws: StoreError.self) { try replacement.put([pair(key)]) }
        #expect(replacement.lastKey == nil)
        try replacement.finish()
        #expect(entries(base.iterator(from: [7, 0xff], upTo: nil)).isEmpty)
    }

    @Test func keysComeInOrder() throws {
        let replacement = try store.beginReplacing()
        try replacement.put([pair([1]), pair([1, 0]), pair([2])])
        #expect(replacement.lastKey == [2])
        for keys in [[[2]], [[1]], [[3], [3]], [[4], [3, 9]]] as [[[UInt8]]] {
            #expect(throws: StoreError.self) { try replacement.put(keys.map(pair)) }
            #expect(replacement.lastKey == [2])
        }
        try replacement.put([])
        try replacement.put([pair([0xfd, 0xff])])
        try replacement.finish()
        #expect(try store.contents().map(\.key) == [[1], [1, 0], [2], [0xfd, 0xff]])
    }

    @Test func onlyTheNewestGoesOn() throws {
        let first = try store.beginReplacing()
        var second: StateReplacement? = try store.beginReplacing()
        #expect(throws: StoreError.self) { try first.put([pair([1])]) }
        #expect(throws: StoreError.self) { try first.finish() }
        try second?.put([pair([2])])
        second = nil
        // Neither of them has the number of this one.
        let third = try store.beginReplacing()
        #expect(throws: StoreError.self) { try first.put([pair([1])]) }
        try third.finish()
        #expect(throws: StoreError.self) { try third.put([pair([3])]) }
        #expect(throws: StoreError.self) { try third.finish() }
        #expect(try store.contents().isEmpty)
        try store.write(batch([("\u{7}c", "new")]), durable: false)
        #expect(try store.contents().map(\.key) == [[0x63]])
    }

    /// Removal goes on while the next state arrives, in any order, and spares what is being built.
    @Test func removalSparesWhatIsBeingBuilt() throws {
        try store.beginReplacing().finish()
        var dropped: StateReplacement? = try store.beginReplacing()
        try dropped?.put([pair([1]), pair([2]), pair([3])])
        dropped = nil
        let replacement = try store.beginReplacing()
        try replacement.put([pair([4])])
        // Two keys of generation 0, three of what was dropped.
        for _ in 0..<5 { #expect(try store.removeOutdated(limit: 1)) }
        #expect(try !store.removeOutdated(limit: 1))
        try replacement.put([pair([5])])
        #expect(try !store.removeOutdated(limit: 1))
        try replacement.finish()
        #expect(try store.contents().map(\.key) == [[4], [5]])
        #expect(try !store.removeOutdated(limit: 1))
    }

    /// What becomes garbage behind the place that removal has come to is removed as well.
    @Test func removalComesBack() throws {
        var replacement: StateReplacement? = try store.beginReplacing()
        try replacement?.put([pair([1])])
        #expect(try !store.removeOutdated(limit: 10))
        replacement = nil
        #expect(try store.removeOutdated(limit: 10))
        #expect(try !store.removeOutdated(limit: 10))
        replacement = try store.beginReplacing()
        try replacement?.put([pair([1])])
        let next = try store.beginReplacing()
        #expect(try store.removeOutdated(limit: 10))
        try next.finish()
        #expect(try store.removeOutdated(limit: 0))
        #expect(try store.removeOutdated(limit: 10))
        #expect(try !store.removeOutdated(limit: 10))
        #expect(entries(base.iterator(from: [], upTo: nil)).map(\.0) == [[7, 0xfe]])
    }
}

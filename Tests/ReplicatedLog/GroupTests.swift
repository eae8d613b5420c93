import Protocol
import ReplicatedLog
import TestSupport
import Testing

/// The sans-I/O core of one group.
struct GroupTests {
    private func group(_ limits: LogLimits = LogLimits()) -> LogGroup {
        LogGroup(id: LogGroupID(rawValue: 7), delivered: LogIndex(rawValue: 10), limits: limits)
    }

    @Test func deliversInOrderWhatIsDurable() throws {
        var group = group()
        for number in 0..<5 {
            let index = try group.propose([UInt8(number)])
            #expect(index.rawValue == UInt64(11 + number))
        }
        #expect(group.takeCommitted() == nil)
        var taken: [LogEntry] = []
        group.takeAppends { taken.append($0) }
        #expect(taken.map(\.index.rawValue) == [11, 12, 13, 14, 15])
        group.takeAppends { _ in Issue.record("taken twice") }
        group.persisted(through: LogIndex(rawValue: 13))
        #expect(group.committedIndex.rawValue == 13)
        #expect(group.takeCommitted()?.bytes == [0])
        #expect(group.takeCommitted()?.bytes == [1])
        group.persisted(through: LogIndex(rawValue: 12))
        group.persisted(through: LogIndex(rawValue: 15))
        #expect((0..<3).compactMap { _ in group.takeCommitted()?.bytes } == [[2], [3], [4]])
        #expect(group.takeCommitted() == nil)
        #expect(group.inFlightCount == 0)
    }

    @Test func refusesBeyondItsWindows() throws {
        var limits = LogLimits()
        limits.windowEntries = 2
        limits.windowBytes = 10
        limits.entryBytes = 20
        var group = group(limits)
        #expect(throws: ProposalRefusal.entryTooLarge(byteCount: 21)) {
            try group.propose([UInt8](repeating: 0, count: 21))
        }
        _ = try group.propose([UInt8](repeating: 0, count: 20))  // one is always let through
        #expect(throws: ProposalRefusal.windowFull) { try group.propose([1]) }
        group.persisted(through: LogIndex(rawValue: 11))
        _ = group.takeCommitted()
        _ = try group.propose([1])
        _ = try group.propose([2])
        #expect(throws: ProposalRefusal.windowFull) { try group.propose([3]) }
        #expect(group.nextIndex.rawValue == 14)
    }

    @Test func aStoppedGroupDeliversNothing() throws {
        var group = group()
        _ = try group.propose([1])
        _ = try group.propose([2])
        group.takeAppends { _ in }
        group.persisted(through: LogIndex(rawValue: 11))
        group.stop(.noSpace("full"))
        group.persisted(through: LogIndex(rawValue: 12))
        #expect(group.takeCommitted() == nil)
        #expect(throws: ProposalRefusal.stopped(.noSpace("full"))) { try group.propose([3]) }
    }

    /// The core under a simulated disk with crashes: what was delivered before a crash is there after it, in the same
    /// order.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func survivesSimulatedCrashes(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let store = MemoryLogStore()
        let id = LogGroupID(rawValue: 1)
        var delivered: [[UInt8]] = []  // the state machine, which loses everything after `flushed` in a crash
        var flushed = 0
        var promised = 0  // deliveries that a client may have seen an answer for
        var group = LogGroup(id: id, delivered: .zero)
        for step in 0..<600 {
            switch random.next() % 16 {
            case 0..<6:
                let bytes = [UInt8(truncatingIfNeeded: step), UInt8(truncatingIfNeeded: random.next())]
                _ = try group.propose(bytes)
            case 6..<9:
                var batch = LogBatch()
                group.takeAppends { batch.append($0, of: id) }
                if !batch.isEmpty { try store.write([batch]) }
            case 9..<12:
                try store.sync()
                group.persisted(through: lastIndex(in: store, after: flushed, delivered))
            case 12..<14:
                while let entry = group.takeCommitted() { delivered.append(entry.bytes) }
                promised = delivered.count
            case 14:
                flushed = delivered.count
                try store.trim(through: [id: LogIndex(rawValue: UInt64(flushed))])
            default:
                store.crash(surviving: Int(random.next() % 3))
                let before = delivered
                delivered.removeLast(delivered.count - flushed)
                let last = try store.replay(after: [id: LogIndex(rawValue: UInt64(flushed))]) { _, _, bytes in
                    delivered.append([UInt8](bytes))
                }
                #expect(delivered.count >= promised)
                #expect(Array(delivered.prefix(promised)) == Array(before.prefix(promised)))
                group = LogGroup(id: id, delivered: try #require(last[id]))
            }
        }
    }

    private func lastIndex(in store: MemoryLogStore, after flushed: Int, _ delivered: [[UInt8]]) -> LogIndex {
        var last = LogIndex(rawValue: UInt64(delivered.count))
        try? store.replay { _, index, _ in last = max(last, index) }
        return last
    }
}

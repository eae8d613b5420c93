import Consensus
import Protocol
import ReplicatedLog
import Simulator
import TestSupport
import Testing

/// The log on a disk that answers some reads with an error, as disks do that notice what rots in them.
@Suite(.timeLimit(.minutes(2))) struct UnreadableTests {
    private static let group = LogGroupID(rawValue: 0)
    private let disk = FaultyDisk()

    private func write(_ store: SegmentedLogStore, _ range: ClosedRange<Int>, count: Int = 20) throws {
        for index in range {
            try store.write([testBatch((Self.group, testEntry(index, count: count)))])
            try store.sync()
        }
    }

    private func opened(segmentBytes: Int = 512 << 10, acceptsLostTail: Bool = false) throws -> SegmentedLogStore {
        var options = DiskFaultTests.options(segmentBytes)
        options.acceptsLostTail = acceptsLostTail
        return try SegmentedLogStore(disk: disk, options: options)
    }

    /// Pages with something in them.
    private func pages(_ name: String) throws -> [Int] {
        let bytes = try #require(disk.files[name]?.medium)
        return (0..<bytes.count / 4096).filter { page in bytes[page * 4096..<(page + 1) * 4096].contains { $0 != 0 } }
    }

    @Test("a page of the newest record, or of any other, is made good for by its copy", arguments: [20, 1400, 100_000])
    func onePage(entryBytes: Int) throws {
        try write(try opened(), 1...2, count: entryBytes)
        let files = disk.files.mapValues(\.medium)
        for page in try pages("segment-1") {
            for name in disk.names() { try disk.remove(name) }
            for (name, bytes) in files { disk.place(name, bytes) }
            disk.lose("segment-1", pages: [page])
            do {
                let store = try opened()
                #expect(try store.indices() == [Self.group: [1, 2]], "page \(page)")
                #expect(store.notices.contains { $0.contains("4 KiB of faulty/segment-1 cannot be read") })
                try write(store, 3...3)
            }
            disk.cutPower()
            #expect(try opened().indices() == [Self.group: [1, 2, 3]], "page \(page)")
        }
    }

    @Test("a segment that nobody needs may be unreadable, and goes") func freeSegment() throws {
        do {
            let store = try opened()
            try write(store, 1...9, count: 100_000)
            #expect(disk.names().contains("segment-3"))
            try store.trim(through: [Self.group: LogIndex(rawValue: 6)])
            try write(store, 10...11, count: 100_000)
        }
        disk.cutPower()
        let before = try opened().indices()
        #expect(before[Self.group]?.last == 11 && before[Self.group]?.first != 1)
        disk.lose("segment-1", pages: [1])
        #expect(try opened().indices() == before)
        #expect(!disk.names().contains("segment-1"))
    }

    @Test("a segment that could not be read is not written to any more, also when nobody needs it any more")
    func noUseAgain() throws {
        try write(try opened(), 1...3, count: 100_000)
        disk.lose("segment-1", pages: [0])
        let store = try opened()
        let (first, second) = (disk.files["segment-1"]?.cache, disk.files["segment-2"]?.cache)
        for index in 4...6 {
            try store.trim(through: [Self.group: LogIndex(rawValue: UInt64(index - 1))])
            try write(store, index...index, count: 100_000)
        }
        #expect(disk.names() == ["identity", "segment-1", "segment-2", "segment-3"])
        #expect(disk.files["segment-1"]?.cache == first)
        #expect(disk.files["segment-2"]?.cache != second, "one that can be read is used again")
    }

    @Test("where the newest record may be hidden, the operator has the word; what he gives up does not come back")
    func hidden() throws {
        try write(try opened(), 1...2, count: 100_000)
        let pages = try pages("segment-1")
        // 25 pages each, in two places.
        #expect(pages.count >= 100)
        for (first, second) in [(50, 75), (50, 76)] {
            disk.lose("segment-1", pages: [first, second])
            // The second case: the header of the copy is there.
            let error = #expect(throws: LogError.self) { _ = try opened() }
            guard case .inDoubt(let text) = error else {
                Issue.record("expected doubt, got \(String(describing: error))")
                return
            }
            #expect(text.contains("record 2") && text.contains("faulty/segment-1"), "\(text)")
            disk.heal()
        }
        disk.lose("segment-1", pages: [50, 75])
        do {
            let store = try opened(acceptsLostTail: true)
            #expect(store.notices.contains { $0.contains("FORGOTTEN") && $0.contains("record 2") })
            #expect(try store.indices() == [Self.group: [1]])
            try write(store, 2...2, count: 7)
        }
        disk.heal()
        let store = try opened()
        #expect(try store.indices() == [Self.group: [1, 2]])
        #expect(!store.notices.contains { $0.contains("FORGOTTEN") })
    }

    @Test("the same in the segment that comes next") func hiddenInTheNextSegment() throws {
        try write(try opened(), 1...3, count: 100_000)
        #expect(disk.names().contains("segment-2"))
        disk.lose("segment-2", pages: [0, 25])
        #expect(throws: LogError.self) { _ = try opened() }
        disk.heal()
        disk.lose("segment-2", pages: [0])
        #expect(try opened().indices() == [Self.group: [1, 2, 3]])
    }

    @Test("a log of which nothing can be read is not a new one") func nothingReadable() throws {
        try write(try opened(), 1...2)
        disk.lose("segment-1", pages: Set(0..<128))
        let error = #expect(throws: LogError.self) { _ = try opened() }
        guard case .inDoubt = error else {
            Issue.record("expected doubt, got \(String(describing: error))")
            return
        }
    }

    @Test("a record that a crash has cut short is still known for one where pages before it cannot be read")
    func tornBehindLostPages() throws {
        try write(try opened(), 1...2, count: 100_000)
        for offset in [50, 75] { disk.rot("segment-1", at: offset * 4096 + 9_000) }
        disk.lose("segment-1", pages: [3])
        let store = try opened()
        #expect(try store.indices() == [Self.group: [1]])
        #expect(store.notices.contains { $0.contains("record 2") && $0.contains("was not written to its end") })
    }

    @Test("without copies one page is enough for doubt") func oldLog() throws {
        // Eight records fill the first page.
        OldLog.place(on: disk, Self.group, records: 8, segmentBytes: 64 << 10)
        disk.lose("segment-1", pages: [1])
        #expect(throws: LogError.self) { _ = try opened(segmentBytes: 64 << 10) }
        disk.heal()
        disk.lose("segment-1", pages: [3])
        #expect(try opened(segmentBytes: 64 << 10).indices() == [Self.group: Array(1...8)])
    }
}

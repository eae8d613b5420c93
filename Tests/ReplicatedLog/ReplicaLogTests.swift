import Consensus
import Protocol
import ReplicatedLog
import Simulator
import TestSupport
import Testing

/// What replicas write besides entries: cuts, hard states, bases, beside a model, on a disk that loses power.
@Suite(.timeLimit(.minutes(2))) struct ReplicaLogTests {
    /// What a group has to find.
    private struct Group: Equatable {
        var hardState: [UInt8]?
        var base: LogBase?
        var entries: [LogEntry] = []
        var term = Term.zero

        var last: LogIndex { entries.last?.index ?? base?.index ?? .zero }

        mutating func take(_ item: LogItem) {
            switch item {
            case .entry(let entry):
                entries.removeAll { $0.index >= entry.index }
                entries.append(entry)
                term = entry.term
            case .cut(let index): entries.removeAll { $0.index >= index }
            case .hardState(let bytes): hardState = bytes
            case .base(let base):
                let known = entries.first { $0.index == base.index }?.term ?? self.term(at: base.index)
                self.base = base
                guard let first = entries.first?.index else { return }
                if first > base.index { if first >= base.index.next { return } }
                if known != base.term { entries = [] }
            }
        }

        private func term(at index: LogIndex) -> Term? { base.flatMap { $0.index == index ? $0.term : nil } }
    }

    /// A log and what has to be in it.
    private final class Life {
        private var random: SeededGenerator
        private let disk = FaultyDisk()
        private let options = DiskFaultTests.options(32 << 10)
        private var store: SegmentedLogStore
        private var groups: [LogGroupID: Group] = [:]
        private var synced: [LogGroupID: Group] = [:]
        private var trimmed: [LogGroupID: LogIndex] = [:]
        private var terms: UInt64 = 0
        private(set) var trims = 0
        private(set) var cuts = 0

        init(seed: UInt64) throws {
            random = SeededGenerator(seed: seed)
            store = try SegmentedLogStore(disk: disk, options: options)
        }

        private func number(_ range: ClosedRange<Int>) -> Int { .random(in: range, using: &random) }

        func step() throws {
            switch number(0...19) {
            case 0..<13: try write(syncs: true)
            case 13..<15: try trim()
            case 15..<17: try check()
            case 17: try restart()
            default:
                try write(syncs: number(0...1) == 0)
                disk.cutPower(&random)
                try restart()
            }
        }

        private func write(syncs: Bool) throws {
            var batch = LogBatch()
            for _ in 0...number(0...3) {
                let id = LogGroupID(rawValue: UInt32(number(0...2)))
                let item = item(groups[id] ?? Group(), trimmed[id] ?? .zero)
                groups[id, default: Group()].take(item)
                batch.append(item, of: id)
            }
            try store.write([batch])
            guard syncs else { return }
            try store.sync()
            synced = groups
        }

        private func item(_ group: Group, _ trimmed: LogIndex) -> LogItem {
            let kind = number(0...19)
            if kind == 0 { return .hardState(bytes(40)) }
            if kind == 1 {
                // In the midst of the log, at its end, or further on.
                let released = max(trimmed, group.base?.index ?? .zero)
                let near = Int(group.last.rawValue) + number(-4...5)
                let index = max(released.next, LogIndex(rawValue: UInt64(max(near, 0))))
                let present = group.entries.first { $0.index == index }?.term
                terms += 1
                let term = present.flatMap { number(0...1) == 0 ? $0 : nil } ?? Term(rawValue: terms)
                return .base(LogBase(index: index, term: term, bytes: bytes(20)))
            }
            let open = group.entries.filter { $0.index > max(trimmed, group.base?.index ?? .zero) }
            if kind < 5, let victim = open.suffix(number(1...4)).first {
                cuts += 1
                // What comes in its place is of a later term.
                terms += 1
                if kind == 2 { return .cut(from: victim.index) }
                return entry(victim.index)
            }
            if kind == 5 { terms += 1 }
            return entry(group.last.next)
        }

        private func entry(_ index: LogIndex) -> LogItem {
            let kinds: [LogEntry.Kind] = [.command, .command, .beginning, .configuration]
            let content = bytes(number(0...1500))
            return .entry(
                LogEntry(index: index, term: Term(rawValue: terms), kind: kinds[number(0...3)], bytes: content))
        }

        private func bytes(_ count: Int) -> [UInt8] {
            let byte = UInt8(truncatingIfNeeded: random.next())
            return [UInt8](repeating: byte, count: count)
        }

        private func trim() throws {
            for (id, group) in synced {
                let index = LogIndex(rawValue: group.last.rawValue - min(group.last.rawValue, UInt64(number(0...20))))
                trimmed[id] = max(trimmed[id] ?? .zero, index)
            }
            let before = store.retainedBytes
            try store.trim(through: trimmed)
            if store.retainedBytes < before { trims += 1 }
        }

        /// After the process has ended, and perhaps power was lost.
        private func restart() throws {
            store.close()
            store = try SegmentedLogStore(disk: disk, options: options)
            // What was not synced may be there, all or nothing.
            if isThere(groups) { synced = groups } else { groups = synced }
            try check()
        }

        private func isThere(_ expected: [LogGroupID: Group]) -> Bool {
            expected.allSatisfy { id, group in
                let found = store.contents[id]
                guard found?.hardState == group.hardState, found?.base == group.base else { return false }
                guard let last = found?.entries?.upperBound else { return group.last <= released(id, group) }
                return last == group.entries.last?.index && found?.term(at: last) == group.entries.last?.term
            }
        }

        /// Through here the log need not keep anything.
        private func released(_ id: LogGroupID, _ group: Group) -> LogIndex {
            max(trimmed[id] ?? .zero, group.base?.index ?? .zero)
        }

        private static func position(_ entry: LogEntry) -> String { "\(entry.index)@\(entry.term.rawValue)" }

        private func check() throws {
            var found: [LogGroupID: [LogEntry]] = [:]
            let all = Dictionary(uniqueKeysWithValues: groups.keys.map { ($0, LogIndex.zero) })
            try store.read(from: all) { id, entry in
                found[id, default: []].removeAll { $0.index >= entry.index }
                found[id, default: []].append(entry)
                return true
            }
            for (id, group) in groups {
                let contents = try #require(store.contents[id])
                #expect(contents.hardState == group.hardState)
                #expect(contents.base == group.base)
                let entries = found[id] ?? []
                #expect(contents.entries?.lowerBound == entries.first?.index)
                #expect(contents.entries?.upperBound == entries.last?.index)
                #expect(entries.allSatisfy { contents.term(at: $0.index) == $0.term })
                // What is trimmed may be there.
                let needed = group.entries.filter { $0.index > released(id, group) }
                // Without their bytes: who reads what is wrong has enough of positions.
                #expect(entries.suffix(needed.count).map(Self.position) == needed.map(Self.position))
                let isSame = entries.suffix(needed.count) == needed[...]
                #expect(isSame)
                #expect(entries.filter { !group.entries.contains($0) }.map(Self.position) == [])
            }
        }
    }

    @Test(arguments: 1...60) func whatCountsIsFound(seed: UInt64) throws {
        let life = try Life(seed: seed)
        for _ in 0..<400 { try life.step() }
        #expect(life.trims > 0 && life.cuts > 0)
    }

    /// The segment before is gone, and what is left begins right behind the base.
    @Test func whatABaseHasEmptiedDoesNotComeBack() throws {
        let (group, other) = (LogGroupID(rawValue: 1), LogGroupID(rawValue: 2))
        for last in 5...20 {
            let disk = FaultyDisk()
            let options = DiskFaultTests.options(32 << 10)
            do {
                let store = try SegmentedLogStore(disk: disk, options: options)
                for index in 1...22 {
                    try store.write([testBatch((group, testEntry(index, count: 2000)), (other, testEntry(index)))])
                    try store.sync()
                }
                let base = LogBase(index: LogIndex(rawValue: UInt64(last)), term: Term(rawValue: 9), bytes: [])
                var batch = LogBatch()
                batch.append(.base(base), of: group)
                try store.write([batch])
                try store.sync()
                try store.trim(through: [group: base.index, other: base.index])
                try store.write([testBatch((other, testEntry(23)))])
                try store.sync()
            }
            let store = try SegmentedLogStore(disk: disk, options: options)
            #expect(store.contents[group]?.base?.index.rawValue == UInt64(last))
            #expect(store.contents[group]?.entries == nil, "\(last)")
        }
    }

    @Test func readingEndsWhenItIsTold() throws {
        let group = LogGroupID(rawValue: 1)
        let store = try SegmentedLogStore(disk: FaultyDisk(), options: DiskFaultTests.options(32 << 10))
        for index in 1...100 {
            try store.write([testBatch((group, testEntry(index, count: 900)))])
            try store.sync()
        }
        var read: [UInt64] = []
        try store.read(from: [group: LogIndex(rawValue: 40)]) { _, entry in
            read.append(entry.index.rawValue)
            return read.count < 7
        }
        #expect(read == Array(40...46))
        try store.read(from: [LogGroupID(rawValue: 2): .zero]) { _, _ in
            Issue.record("nobody asked for it")
            return true
        }
    }

    @Test func whatDoesNotFollowIsRefused() throws {
        let group = LogGroupID(rawValue: 1)
        for (first, second) in [((5, 1), (7, 1)), ((5, 2), (6, 1))] as [((Int, UInt64), (Int, UInt64))] {
            let store = try SegmentedLogStore(disk: FaultyDisk(), options: DiskFaultTests.options(32 << 10))
            func write(_ entry: (Int, UInt64)) throws {
                let entry = LogEntry(
                    index: LogIndex(rawValue: UInt64(entry.0)), term: Term(rawValue: entry.1), bytes: [1])
                try store.write([testBatch((group, entry))])
            }
            try write(first)
            #expect(throws: LogError.self) { try write(second) }
            #expect(throws: LogError.self) { try write(first) }
        }
    }
}

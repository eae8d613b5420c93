import Consensus
import Glibc
import Protocol
import ReplicatedLog
import TestSupport
import Testing

/// The log on disk: what is there after a reopening, a torn tail, damage, trimming.
@Suite(.timeLimit(.minutes(2)))
struct SegmentedLogStoreTests {
    private let first = LogGroupID(rawValue: 1)
    private let second = LogGroupID(rawValue: 2)

    private var smallSegments: LogStoreOptions {
        var options = LogStoreOptions()
        options.segmentBytes = 64 << 10
        options.maximumBytes = 1 << 20
        return options
    }

    private func entry(_ index: Int, count: Int = 20) -> LogEntry {
        let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: count)
        return LogEntry(index: LogIndex(rawValue: UInt64(index)), bytes: bytes)
    }

    private func batch(_ entries: [(LogGroupID, LogEntry)]) -> LogBatch {
        var batch = LogBatch()
        for (group, entry) in entries { batch.append(entry, of: group) }
        return batch
    }

    private func contents(_ store: SegmentedLogStore) throws -> [LogGroupID: [UInt64]] {
        var result: [LogGroupID: [UInt64]] = [:]
        try store.replay { group, entry in
            #expect(entry.bytes.allSatisfy { $0 == UInt8(truncatingIfNeeded: entry.index.rawValue) })
            result[group, default: []].append(entry.index.rawValue)
        }
        return result
    }

    @Test func holdsWhatWasWritten() throws {
        let directory = try TemporaryDirectory("log")
        do {
            let store = try SegmentedLogStore(directory: directory.path + "/log")
            try store.write([batch([(first, entry(1)), (second, entry(1))]), batch([(first, entry(2))])])
            try store.sync()
            try store.write([batch([(second, entry(2, count: 5000))])])
            try store.sync()
        }
        let store = try SegmentedLogStore(directory: directory.path + "/log", mustExist: true)
        #expect(try contents(store) == [first: [1, 2], second: [1, 2]])
        var replayed: [UInt64] = []
        let applied = [first: LogIndex(rawValue: 1), second: LogIndex(rawValue: 2)]
        let last = try store.replay(after: applied) { group, entry in
            #expect(group == first)
            replayed.append(entry.index.rawValue)
        }
        #expect(replayed == [2])
        #expect(last == [first: LogIndex(rawValue: 2), second: LogIndex(rawValue: 2)])
    }

    @Test func aReaderSeesTheSameAndTouchesNothing() throws {
        let directory = try TemporaryDirectory("log")
        let path = directory.path + "/log"
        #expect(throws: LogError.missing(path)) { _ = try SegmentedLogReader(directory: path) }
        #expect(access(path, F_OK) != 0)
        do {
            let store = try SegmentedLogStore(directory: path, options: smallSegments)
            try store.write([batch([(first, entry(1)), (second, entry(1))])])
            try store.write([batch([(first, entry(2))])])
            try store.sync()
            #expect(throws: LogError.locked(path)) { _ = try SegmentedLogReader(directory: path) }
        }
        var before = Glibc.stat()
        #expect(stat(path + "/segment-1", &before) == 0)
        do {
            let reader = try SegmentedLogReader(directory: path)
            #expect(throws: LogError.locked(path)) { _ = try SegmentedLogStore(directory: path) }
            var indices: [LogGroupID: [UInt64]] = [:]
            try reader.replay { group, entry in indices[group, default: []].append(entry.index.rawValue) }
            #expect(indices == [first: [1, 2], second: [1]])
            #expect(reader.retainedBytes == 8192)
        }
        var after = Glibc.stat()
        #expect(stat(path + "/segment-1", &after) == 0)
        #expect(before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec)
    }

    @Test func opensOnceAndOnlyWhatExists() throws {
        let directory = try TemporaryDirectory("log")
        #expect(throws: LogError.self) {
            _ = try SegmentedLogStore(directory: directory.path + "/none", mustExist: true)
        }
        let store = try SegmentedLogStore(directory: directory.path + "/log")
        #expect(throws: LogError.locked(directory.path + "/log")) {
            _ = try SegmentedLogStore(directory: directory.path + "/log")
        }
        withExtendedLifetime(store) {}
    }

    @Test func damageBeforeTheTailIsCorruption() throws {
        let directory = try TemporaryDirectory("log")
        let path = directory.path + "/log"
        do {
            let store = try SegmentedLogStore(directory: path, options: smallSegments)
            for index in 1...10 {
                try store.write([batch([(first, entry(index))])])
                try store.sync()
            }
        }
        for place in [512 * 4 + 50, 4096 + 512 * 4 + 50] { try invert(path: path + "/segment-1", at: place) }
        let error = #expect(throws: LogError.self) {
            _ = try SegmentedLogStore(directory: path, options: smallSegments)
        }
        guard case .corruption = error else {
            Issue.record("expected corruption, got \(String(describing: error))")
            return
        }
    }

    @Test func gapsBetweenStateAndLogAreCorruption() throws {
        let directory = try TemporaryDirectory("log")
        do {
            let store = try SegmentedLogStore(directory: directory.path + "/log")
            try store.write([batch([(first, entry(5)), (first, entry(6))])])
            try store.sync()
        }
        let store = try SegmentedLogStore(directory: directory.path + "/log")
        #expect(throws: LogError.self) { try store.replay(after: [first: LogIndex(rawValue: 3)]) { _, _ in } }
        #expect(throws: LogError.self) { try store.replay(after: [second: LogIndex(rawValue: 9)]) { _, _ in } }
        let last = try store.replay(after: [first: LogIndex(rawValue: 4)]) { _, _ in }
        #expect(last == [first: LogIndex(rawValue: 6)])
    }

    /// Many times the size of the log goes through it: files are used again, and reopening at any point finds what is
    /// needed.
    @Test func trimmedFilesAreUsedAgain() throws {
        let directory = try TemporaryDirectory("log")
        let path = directory.path + "/log"
        var next = 1
        var trimmed = 0
        for round in 0..<12 {
            let store = try SegmentedLogStore(directory: path, options: smallSegments)
            var found: [Int] = []
            let last = try store.replay(after: [first: LogIndex(rawValue: UInt64(trimmed))]) { _, entry in
                found.append(Int(entry.index.rawValue))
            }
            #expect(found == Array((trimmed + 1)..<next))
            #expect(last[first]?.rawValue == UInt64(next - 1))
            for step in 0..<(60 + round * 7) {
                try store.write([batch([(first, entry(next, count: 1000 + step))])])
                try store.sync()
                next += 1
                if step % 25 == 24 {
                    trimmed = next - 3
                    try store.trim(through: [first: LogIndex(rawValue: UInt64(trimmed))])
                }
            }
            store.close()
        }
        #expect(names(in: path, endingIn: "").filter { $0.hasPrefix("segment-") }.count <= 6)
    }

    @Test func anUntrimmedLogIsFullOneDay() throws {
        let directory = try TemporaryDirectory("log")
        var written = 0
        do {
            let store = try SegmentedLogStore(directory: directory.path + "/log", options: smallSegments)
            let error = #expect(throws: LogError.self) {
                while written < 100 {
                    try store.write([batch([(first, entry(written + 1, count: 20_000))])])
                    try store.sync()
                    written += 1
                }
            }
            guard case .noSpace = error else {
                Issue.record("expected noSpace, got \(String(describing: error))")
                return
            }
            #expect(written >= 16)
            // Once the state is flushed it goes on, as if nothing had happened.
            try store.trim(through: [first: LogIndex(rawValue: UInt64(written))])
            try store.write([batch([(first, entry(written + 1, count: 20_000))])])
            try store.sync()
        }
        let opened = try SegmentedLogStore(directory: directory.path + "/log", options: smallSegments)
        #expect(try contents(opened)[first]?.last == UInt64(written + 1))
    }

    @Test func aForeignOrMissingIdentityIsNotIgnored() throws {
        let directory = try TemporaryDirectory("log")
        let path = directory.path + "/log"
        do {
            let store = try SegmentedLogStore(directory: path, options: smallSegments)
            try store.write([batch([(first, entry(1))])])
            try store.sync()
        }
        #expect(unlink(path + "/identity") == 0)
        #expect(throws: LogError.self) { _ = try SegmentedLogStore(directory: path, options: smallSegments) }
    }
}

private func invert(path: String, at offset: Int) throws {
    let file = open(path, O_RDWR)
    guard file >= 0 else { throw POSIXFailure("change a byte of a file") }
    defer { close(file) }
    var byte: UInt8 = 0
    guard pread(file, &byte, 1, off_t(offset)) == 1 else { throw POSIXFailure("change a byte of a file") }
    byte = ~byte
    guard pwrite(file, &byte, 1, off_t(offset)) == 1 else { throw POSIXFailure("change a byte of a file") }
}

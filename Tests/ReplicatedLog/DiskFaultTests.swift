import Consensus
import Protocol
import ReplicatedLog
import Simulator
import TestSupport
import Testing

/// The log on a disk that lies, tears and rots.
@Suite(.timeLimit(.minutes(2)))
struct DiskFaultTests {
    /// A shard, and the only group of coordinator and registry.
    static let shard = LogGroupID(rawValue: 17)
    static let only = LogGroupID(rawValue: 0)

    static func options(_ segmentBytes: Int) -> LogStoreOptions {
        var options = LogStoreOptions()
        options.segmentBytes = segmentBytes
        return options
    }

    /// Segments as registry, coordinator and shards have them, and groups.
    static let services: [(segmentBytes: Int, group: LogGroupID)] = [
        (4 << 20, only), (8 << 20, only), (16 << 20, shard),
    ]

    @Test("what a failed sync left in the page cache is not believed: it is written again", arguments: services)
    func aRefusedSync(segmentBytes: Int, group: LogGroupID) throws {
        #expect(try DiskFaults.refusedSync(segmentBytes, group) == [1, 2, 3])
    }

    @Test("also when the record fills its segment, or the disk refuses again and again", arguments: [20, 1400, 8_000])
    func refusalsAtOpening(entryBytes: Int) throws {
        let disk = FaultyDisk()
        let options = Self.options(64 << 10)
        var written = 0
        do {
            let store = try SegmentedLogStore(disk: disk, options: options)
            for _ in 0..<50 where disk.files.count < 3 {
                written += 1
                try store.write([testBatch((Self.only, testEntry(written, count: entryBytes)))])
                try store.sync()
            }
            disk.refusedSyncs = 1
            written += 1
            try store.write([testBatch((Self.only, testEntry(written, count: entryBytes)))])
            #expect(throws: LogError.self) { try store.sync() }
        }
        for _ in 0..<5 {
            disk.refusedSyncs = 1
            #expect(throws: LogError.self) { _ = try SegmentedLogStore(disk: disk, options: options) }
        }
        #expect(disk.files.count <= 4, "an opening that fails again does not take a segment again")
        do {
            let store = try SegmentedLogStore(disk: disk, options: options)
            #expect(try store.indices()[Self.only]?.last == UInt64(written))
            try store.write([testBatch((Self.only, testEntry(written + 1)))])
            try store.sync()
        }
        disk.cutPower()
        let store = try SegmentedLogStore(disk: disk, options: options)
        #expect(try store.indices() == [Self.only: Array(1...UInt64(written + 1))])
    }

    /// Whatever becomes of writes that were not synced, what was synced is there, and nothing else than was written.
    @Test(arguments: Array(1...40) + [43, 614, 1000, 1159])
    func powerCuts(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let disk = FaultyDisk()
        let options = Self.options(32 << 10)
        var store: SegmentedLogStore? = try SegmentedLogStore(disk: disk, options: options)
        var (written, synced, flushed) = (0, 0, 0)
        for _ in 0..<300 {
            do throws(LogError) {
                switch random.next() % 16 {
                case 0..<9:
                    written += 1
                    let entry = testEntry(written, count: Int(random.next() % 3000))
                    try store?.write([testBatch((Self.only, entry))])
                    synced = max(synced, written - 1)
                case 9..<13:
                    disk.refusedSyncs = random.next() % 4 == 0 ? 1 : 0
                    defer { disk.refusedSyncs = 0 }
                    try store?.sync()
                    synced = written
                case 13:
                    flushed = synced
                    try store?.trim(through: [Self.only: LogIndex(rawValue: UInt64(flushed))])
                    continue
                default:
                    store = nil
                    if random.next() % 2 == 0 { disk.cutPower(&random) }
                }
                if store != nil { continue }
            } catch {
                store = nil
            }
            while store == nil {
                disk.refusedSyncs = random.next() % 4 == 0 ? Int(random.next() % 3) : 0
                do throws(LogError) {
                    store = try SegmentedLogStore(disk: disk, options: options)
                } catch {
                    guard case .inputOutput = error else { throw error }
                }
                if random.next() % 4 == 0 {
                    store = nil
                    disk.cutPower(&random)
                }
            }
            disk.refusedSyncs = 0
            let opened = try #require(store)
            let last = try opened.replay(after: [Self.only: LogIndex(rawValue: UInt64(flushed))]) { _, _ in }
            let found = Int(try #require(last[Self.only]).rawValue)
            #expect((synced...written).contains(found), "synced \(synced), written \(written), found \(found)")
            (written, synced) = (found, found)
            _ = try opened.indices()
        }
    }

    @Test(
        "who is killed before any change to the disk, and once more while opening, finds what was synced",
        arguments: [false, true])
    func kills(cutsPower: Bool) throws {
        let options = Self.options(32 << 10)
        var random = SeededGenerator(seed: 1)
        for kill in 0... {
            var isOpen = false
            var change = 0
            while !isOpen {
                let disk = FaultyDisk()
                func restart() {
                    disk.revive()
                    if cutsPower { disk.cutPower(&random) }
                }
                disk.changesLeft = kill
                let (synced, written) = Self.write(30, to: disk, options)
                guard disk.hasKilled else {
                    #expect(kill > 90, "three changes for each record")
                    return
                }
                restart()
                disk.changesLeft = change
                isOpen = (try? SegmentedLogStore(disk: disk, options: options)) != nil
                try #require(isOpen != disk.hasKilled)
                restart()
                let store = try SegmentedLogStore(disk: disk, options: options)
                let flushed = LogIndex(rawValue: UInt64(synced / 5 * 5))
                let last = try store.replay(after: [Self.only: flushed]) { _, _ in }
                let found = Int(try #require(last[Self.only]).rawValue)
                #expect((synced...written).contains(found), "killed before change \(kill), then \(change)")
                change += 1
            }
        }
    }

    /// Writes and syncs entries, and lets go of every five.
    /// - Returns: how many were synced and written when it came to an end.
    private static func write(_ count: Int, to disk: FaultyDisk, _ options: LogStoreOptions) -> (Int, Int) {
        var (synced, written) = (0, 0)
        do throws(LogError) {
            let store = try SegmentedLogStore(disk: disk, options: options)
            for index in 1...count {
                written = index
                try store.write([testBatch((only, testEntry(index, count: 3000)))])
                try store.sync()
                synced = index
                if index % 5 == 0 { try store.trim(through: [only: LogIndex(rawValue: UInt64(index))]) }
            }
        } catch {
            // Killed.
        }
        return (synced, written)
    }

    @Test("a newest record with a rotten place is whole in the other", arguments: [20, 1400, 100_000])
    func rottenNewestRecord(entryBytes: Int) throws {
        #expect(try DiskFaults.rotInNewestRecord(entryBytes: entryBytes).isEmpty)
    }

    @Test("a segment that cannot be made whole leaves nothing behind, and the log goes on when there is room")
    func segmentWithoutRoom() throws {
        let disk = FaultyDisk()
        let options = Self.options(64 << 10)
        disk.capacity = 100 << 10
        let store = try SegmentedLogStore(disk: disk, options: options)
        var written = 0
        let error = #expect(throws: LogError.self) {
            for index in 1...10 {
                try store.write([testBatch((Self.only, testEntry(index, count: 10_000)))])
                try store.sync()
                written = index
            }
        }
        #expect(error == .noSpace("the faulty disk is full"))
        #expect(disk.names() == ["identity", "segment-1"])
        disk.capacity = 200 << 10
        try store.write([testBatch((Self.only, testEntry(written + 1, count: 10_000)))])
        try store.sync()
        disk.cutPower()
        let opened = try SegmentedLogStore(disk: disk, options: options)
        #expect(try opened.indices() == [Self.only: Array(1...UInt64(written + 1))])
    }

    @Test("a segment whose name was not made durable is not taken for one that stays")
    func aRefusedSyncOfNames() throws {
        let disk = FaultyDisk()
        let options = Self.options(64 << 10)
        do {
            let store = try SegmentedLogStore(disk: disk, options: options)
            disk.refusedNameSyncs = 1
            #expect(throws: LogError.self) { try store.write([testBatch((Self.only, testEntry(1)))]) }
        }
        do {
            let store = try SegmentedLogStore(disk: disk, options: options)
            try #require(disk.names().contains("segment-1"), "the page cache has it")
            try store.write([testBatch((Self.only, testEntry(1)))])
            try store.sync()
        }
        disk.cutPower()
        #expect(try SegmentedLogStore(disk: disk, options: options).indices() == [Self.only: [1]])
    }

    @Test("what must stay free is kept free")
    func minimumFreeBytes() throws {
        let disk = FaultyDisk()
        var options = Self.options(64 << 10)
        options.minimumFreeBytes = 50 << 10
        disk.capacity = 100 << 10
        let store = try SegmentedLogStore(disk: disk, options: options)
        let entry = testBatch((Self.only, testEntry(1)))
        #expect(throws: LogError.self) { try store.write([entry]) }
        #expect(disk.names() == ["identity"], "not even begun")
        disk.capacity = 130 << 10
        try store.write([entry])
        try store.sync()
        disk.capacity = 110 << 10
        #expect(throws: LogError.self) { try store.write([testBatch((Self.only, testEntry(2)))]) }
    }

    @Test("neither of two records that differ under one number is taken")
    func twoRecordsOfOneNumber() throws {
        let disk = FaultyDisk()
        do {
            let store = try SegmentedLogStore(disk: disk, options: Self.options(64 << 10))
            try store.write([testBatch((Self.only, testEntry(1)))])
            try store.sync()
        }
        let identity = try #require(disk.files["identity"]?.cache.suffix(8))
        let number = identity.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let other = OldLog.record(1, (Self.only, testEntry(1, count: 7)), identity: number)
        var bytes = try #require(disk.files["segment-1"]?.cache)
        bytes.replaceSubrange(2048..<2048 + other.count, with: other)
        disk.place("segment-1", bytes)
        #expect(throws: LogError.corruption("faulty: two different records have the number 1")) {
            _ = try SegmentedLogStore(disk: disk, options: Self.options(64 << 10))
        }
    }

    @Test("a record that is another than was written is noticed, however whole", arguments: [false, true])
    func anotherRecord(followsOnItsPredecessor: Bool) throws {
        let disk = FaultyDisk()
        do {
            let store = try SegmentedLogStore(disk: disk, options: Self.options(64 << 10))
            for index in 1...5 {
                try store.write([testBatch((Self.only, testEntry(index)))])
                try store.sync()
            }
        }
        let identity = try #require(disk.files["identity"]?.cache.suffix(8))
        var bytes = try #require(disk.files["segment-1"]?.cache)
        func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        let previous = number(bytes[512 + 32..<512 + 40])
        let payload = testBatch((Self.only, testEntry(3, count: 21))).packedBytes
        var record = LogRecord(
            number: 3, firstNeeded: 1, previousHash: followsOnItsPredecessor ? previous : previous ^ 1,
            payloadCount: payload.count, entryCount: 1)
        let other = record.bytes(around: payload, identity: number(identity))
        for place in [1024, 1024 + 4096] { bytes.replaceSubrange(place..<place + other.count, with: other) }
        disk.place("segment-1", bytes)
        let wrong = followsOnItsPredecessor ? 4 : 3
        let text = "faulty: record \(wrong) does not follow on the one before it, which is another"
        #expect(throws: LogError.corruption(text)) {
            _ = try SegmentedLogStore(disk: disk, options: Self.options(64 << 10))
        }
    }
}

/// What is done to a log.
enum DiskFaults {
    /// A record whose sync was refused, one behind it after a restart, a power failure: what is there then.
    static func refusedSync(_ segmentBytes: Int, _ group: LogGroupID) throws -> [UInt64]? {
        let disk = FaultyDisk()
        let options = DiskFaultTests.options(segmentBytes)
        do {
            let store = try SegmentedLogStore(disk: disk, options: options)
            try store.write([testBatch((group, testEntry(1)))])
            try store.sync()
            disk.refusedSyncs = 1
            try store.write([testBatch((group, testEntry(2)))])
            #expect(throws: LogError.self) { try store.sync() }
        }
        do {
            let store = try SegmentedLogStore(disk: disk, options: options)
            #expect(try store.indices() == [group: [1, 2]], "the page cache has it")
            try store.write([testBatch((group, testEntry(3)))])
            try store.sync()
        }
        disk.cutPower()
        return try SegmentedLogStore(disk: disk, options: options).indices()[group]
    }

    /// The pages of which rot made the log lose entries that were synced.
    static func rotInNewestRecord(entryBytes: Int) throws -> [Int] {
        var losses: [Int] = []
        let options = DiskFaultTests.options(512 << 10)
        let disk = FaultyDisk()
        let store = try SegmentedLogStore(disk: disk, options: options)
        for index in 1...2 {
            try store.write([testBatch((DiskFaultTests.only, testEntry(index, count: entryBytes)))])
            try store.sync()
        }
        let files = disk.files.mapValues(\.medium)
        let segment = files["segment-1"] ?? []
        for page in 0..<segment.count / 4096 {
            let range = page * 4096..<(page + 1) * 4096
            guard segment[range].contains(where: { $0 != 0 }) else { continue }
            for (name, bytes) in files { disk.place(name, bytes) }
            for offset in stride(from: range.lowerBound + 20, to: range.upperBound, by: 64) {
                disk.rot("segment-1", at: offset)
            }
            let opened = try? SegmentedLogStore(disk: disk, options: options)
            if try opened?.indices() != [DiskFaultTests.only: [1, 2]] { losses.append(page) }
        }
        return losses
    }
}

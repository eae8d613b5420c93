import Protocol
import ReplicatedLog
import Simulator
import TestSupport
import Testing

/// Logs of the format without copies: they open, once and for all, and where they cannot tell they say so.
struct OldLogTests {
    private let group = LogGroupID(rawValue: 3)
    private let options = DiskFaultTests.options(64 << 10)

    @Test(arguments: [3, 125])
    func anOldLogOpensAndGoesOn(records: Int) throws {
        let disk = FaultyDisk()
        OldLog.place(on: disk, group, records: records, segmentBytes: options.segmentBytes)
        for round in 0..<3 {
            let store = try SegmentedLogStore(disk: disk, options: options)
            #expect(store.notices.isEmpty)
            #expect(try store.indices() == [group: Array(1...UInt64(records + round))])
            try store.write([testBatch((group, testEntry(records + round + 1)))])
            try store.sync()
        }
        #expect(disk.files["identity"]?.cache.starts(with: Array("sterna log 2\n".utf8)) == true)
    }

    @Test("a damaged end that may have been acknowledged needs the operator's word")
    func aDamagedEndIsInDoubt() throws {
        let disk = FaultyDisk()
        OldLog.place(on: disk, group, records: 5, segmentBytes: options.segmentBytes)
        disk.rot("segment-1", at: 4 * 512 + 70)
        let error = #expect(throws: LogError.self) { _ = try SegmentedLogStore(disk: disk, options: options) }
        guard case .inDoubt(let text) = error else {
            Issue.record("expected doubt, got \(String(describing: error))")
            return
        }
        #expect(text.contains("faulty/segment-1") && text.contains("entry 5 of log group 3"), "\(text)")
        var loud = options
        loud.acceptsLostTail = true
        do {
            let store = try SegmentedLogStore(disk: disk, options: loud)
            #expect(store.notices.contains { $0.contains("FORGOTTEN") && $0.contains("entry 5 of log group 3") })
            #expect(try store.indices() == [group: [1, 2, 3, 4]])
            try store.write([testBatch((group, testEntry(5)))])
            try store.sync()
        }
        let store = try SegmentedLogStore(disk: disk, options: options)
        #expect(store.notices.isEmpty)
        #expect(try store.indices() == [group: [1, 2, 3, 4, 5]])
    }
}

/// Makes logs as versions before copies wrote them.
enum OldLog {
    static func place(on disk: FaultyDisk, _ group: LogGroupID, records: Int, segmentBytes: Int) {
        let identity: UInt64 = 0x0123_4567_89AB_CDEF
        let number = withUnsafeBytes(of: identity.littleEndian) { Array($0) }
        disk.place("identity", Array("sterna log 1\n".utf8) + number)
        var segment: [UInt8] = []
        for index in 1...records {
            segment += record(UInt64(index), [testBatch((group, testEntry(index)))], identity: identity)
        }
        disk.place("segment-1", segment + [UInt8](repeating: 0, count: segmentBytes - segment.count))
    }

    /// A record as it stands on disk; the first one is needed.
    static func record(_ number: UInt64, _ batches: [LogBatch], identity: UInt64) -> [UInt8] {
        let payload = batches.flatMap { $0.packedBytes }
        let record = LogRecord(
            number: number, firstNeeded: 1, payloadCount: payload.count,
            entryCount: UInt32(batches.reduce(0) { $0 + $1.entryCount }))
        var bytes = [UInt8](repeating: 0, count: record.storedSize)
        bytes.replaceSubrange(LogRecord.headerSize..<LogRecord.headerSize + payload.count, with: payload)
        bytes.withUnsafeMutableBytes { record.seal(in: $0, identity: identity) }
        return bytes
    }
}

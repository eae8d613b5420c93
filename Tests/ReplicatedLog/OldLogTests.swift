import Protocol
import ReplicatedLog
import Simulator
import TestSupport
import Testing

/// Logs of earlier formats: they open, once and for all, and where they cannot tell they say so.
struct OldLogTests {
    private let group = LogGroupID(rawValue: 3)
    private let options = DiskFaultTests.options(64 << 10)

    @Test(arguments: [(3, false), (125, false), (3, true), (8, true)])
    func anOldLogOpensAndGoesOn(records: Int, hasCopies: Bool) throws {
        let disk = FaultyDisk()
        OldLog.place(on: disk, group, records: records, segmentBytes: options.segmentBytes, hasCopies: hasCopies)
        for round in 0..<3 {
            let store = try SegmentedLogStore(disk: disk, options: options)
            #expect(store.notices.isEmpty)
            #expect(try store.indices() == [group: Array(1...UInt64(records + round))])
            try store.write([testBatch((group, testEntry(records + round + 1)))])
            try store.sync()
        }
        #expect(disk.files["identity"]?.cache.starts(with: Array("sterna log 4\n".utf8)) == true)
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

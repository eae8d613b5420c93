import Glibc
import Protocol
import ReplicatedLog
import Simulator
import TestSupport
import Testing

/// The log in a directory that does not list all of its files.
@Suite(.timeLimit(.minutes(2))) struct ListingTests {
    private static let group = LogGroupID(rawValue: 1)

    @Test("a listing that breaks off keeps the log from being opened") func brokenListing() throws {
        let mount = try VolatileMount()
        let path = mount.path + "/log"
        do {
            let store = try SegmentedLogStore(directory: path)
            try store.write([testBatch((Self.group, testEntry(1)))])
            try store.sync()
        }
        try mount.command("fail-list /log 1")
        let error = #expect(throws: LogError.self) { _ = try SegmentedLogStore(directory: path) }
        guard case .inputOutput = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try SegmentedLogStore(directory: path).indices() == [Self.group: [1]])
    }

    /// A filesystem that leaves something out without an error.
    @Test("a segment that was not listed is not replaced by a new one") func unlistedSegment() throws {
        let disk = FaultyDisk()
        let options = DiskFaultTests.options(64 << 10)
        func write(_ store: SegmentedLogStore, _ range: ClosedRange<Int>) throws {
            for index in range {
                try store.write([testBatch((Self.group, testEntry(index, count: 8_000)))])
                try store.sync()
            }
        }
        try write(try SegmentedLogStore(disk: disk, options: options), 1...4)
        let bytes = try #require(disk.files["segment-2"]?.cache)
        disk.unlisted = ["segment-2"]
        #expect(throws: LogError.corruption("segment-2 is there")) {
            try write(try SegmentedLogStore(disk: disk, options: options), 4...8)
        }
        #expect(disk.files["segment-2"]?.cache == bytes)
    }

    @Test("nor on a real disk") func unlistedFile() throws {
        let directory = try TemporaryDirectory("log")
        let path = directory.path + "/log"
        let options = DiskFaultTests.options(64 << 10)
        let store = try SegmentedLogStore(directory: path, options: options)
        let segment = path + "/segment-1"
        close(open(segment, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600))
        #expect(throws: LogError.corruption("\(segment) is there, and was not listed")) {
            try store.write([testBatch((Self.group, testEntry(1)))])
        }
        var status = stat()
        #expect(stat(segment, &status) == 0 && status.st_size == 0)
    }
}

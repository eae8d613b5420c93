import ConsistencyCheck
import Glibc
import Protocol
import ReplicatedLog
import Store
import TestSupport
import Testing

/// What stands around the records: logs, locks, and what is printed.
@Suite(.timeLimit(.minutes(3)))
struct StoppedClusterTests {
    /// Overwrites the hash of the newest or the oldest record of the shards' log, wherever that stands.
    private func scribble(_ cluster: StoppedCluster, onNewest: Bool) throws {
        let path = cluster.path + "/shard/log"
        let identity = try bytes(of: path + "/identity").suffix(8)
        let segment = try bytes(of: path + "/segment-1")
        let places = stride(from: 0, to: segment.count, by: 512).filter { segment[$0..<$0 + 8].elementsEqual(identity) }
        func number(_ place: Int) -> UInt64 {
            segment[place + 8..<place + 16].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        let chosen = try #require(onNewest ? places.map(number).max() : places.map(number).min())
        let file = open(path + "/segment-1", O_WRONLY)
        defer { close(file) }
        let hits = places.filter { number($0) == chosen }
        #expect(hits.count == 2, "a record and its copy")
        for place in hits { #expect(pwrite(file, "????????", 8, off_t(place + 32)) == 8) }
    }

    private func bytes(of path: String) throws -> [UInt8] {
        let file = open(path, O_RDONLY)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: Int(max(lseek(file, 0, SEEK_END), 0)))
        try #require(pread(file, &bytes, bytes.count, 0) == bytes.count)
        return bytes
    }

    @Test("a torn log tail is what a crash leaves behind") func tornTail() throws {
        let cluster = try StoppedCluster()
        try scribble(cluster, onNewest: true)
        let outcome = try cluster.check()
        #expect(outcome.findings.isEmpty, "\(outcome.findings)")
    }

    @Test("any other damage of a log is a finding, and shards are not compared then") func damagedLog() throws {
        let cluster = try StoppedCluster(flushes: false)
        try scribble(cluster, onNewest: false)
        let outcome = try cluster.check()
        #expect(outcome.rules == ["L"], "\(outcome.findings)")
        #expect(outcome.rules(.notice) == ["X"])
        #expect(outcome.summary.exitCode == 1)
    }

    @Test func missingLog() throws {
        let cluster = try StoppedCluster()
        #expect(rename(cluster.path + "/shard/log", cluster.path + "/elsewhere") == 0)
        #expect(try cluster.check().rules == ["L"])
    }

    @Test func refusesWhatRunsAndWhatIsNoCluster() throws {
        let cluster = try StoppedCluster()
        try cluster.change("cdc") { _ in
            // This process's own lock does not count for fcntl, but the log's does.
            let log = try SegmentedLogStore(directory: cluster.path + "/shard/log")
            #expect(throws: CheckFailure.self) { try cluster.check() }
            withExtendedLifetime(log) {}
        }
        let empty = try TemporaryDirectory("check", inMemory: true)
        let facts = try TemporaryFacts(in: empty.path, memoryBytes: 4 << 20)
        #expect(throws: CheckFailure.self) {
            try OfflineCheck(directory: empty.path, checksBlocks: false, facts: facts, report: CheckReport { _ in })
        }
    }

    @Test("blocks without a disk are named once, not reported as lost") func blocksWithoutDisks() throws {
        let outcome = try StoppedCluster().check(blocks: true)
        #expect(outcome.rules.isEmpty && outcome.rules(.notice) == ["B"], "\(outcome.findings)")
    }

    @Test("a directory of disks that cannot be listed is a finding") func unreadableDisks() throws {
        let cluster = try StoppedCluster()
        close(open(cluster.path + "/disks", O_WRONLY | O_CREAT, 0o600))
        let outcome = try cluster.check(blocks: true)
        #expect(outcome.rules == ["B"], "\(outcome.findings)")
    }

    @Test func jsonIsEscaped() {
        let finding = Finding(rule: "S4", place: "name \"a\\b\"", detail: "tab\there", repair: "none")
        let fields = #""place":"name \"a\\b\"","detail":"tab\u0009here","repair":"none""#
        #expect(finding.json == #"{"rule":"S4","severity":"damage","# + fields + "}")
        #expect(finding.description == "S4: name \"a\\b\": tab\there; repair: none")
    }
}

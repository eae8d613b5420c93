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
    /// Overwrites bytes of the log of the shards, from the end of its last record backwards or from the beginning.
    private func scribble(_ cluster: StoppedCluster, fromEnd: Bool) throws {
        let path = cluster.path + "/shard/log/segment-1"
        let end = try SegmentedLogReader(directory: cluster.path + "/shard/log").retainedBytes
        let file = open(path, O_WRONLY)
        defer { close(file) }
        #expect(pwrite(file, "????????????????", 16, off_t(fromEnd ? end - 500 : 20)) == 16)
    }

    @Test("a torn log tail is what a crash leaves behind") func tornTail() throws {
        let cluster = try StoppedCluster()
        try scribble(cluster, fromEnd: true)
        let outcome = try cluster.check()
        #expect(outcome.findings.isEmpty, "\(outcome.findings)")
    }

    @Test("any other damage of a log is a finding, and shards are not compared then") func damagedLog() throws {
        let cluster = try StoppedCluster(flushes: false)
        try scribble(cluster, fromEnd: false)
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

    @Test func jsonIsEscaped() {
        let finding = Finding(rule: "S4", place: "name \"a\\b\"", detail: "tab\there", repair: "none")
        let fields = #""place":"name \"a\\b\"","detail":"tab\u0009here","repair":"none""#
        #expect(finding.json == #"{"rule":"S4","severity":"damage","# + fields + "}")
        #expect(finding.description == "S4: name \"a\\b\": tab\there; repair: none")
    }
}

import Glibc
import Protocol
import TestServices
import TestSupport
import Testing

/// What is left of a shard's directory when the power goes at once after it has said something.
@Suite(.timeLimit(.minutes(2))) struct PowerCutTests {
    private let mount: VolatileMount
    private let logs: TemporaryDirectory

    init() throws {
        mount = try VolatileMount()
        logs = try TemporaryDirectory("shard")
    }

    /// Starts a shard, lets it do something, and takes the power away.
    private func run(_ directory: String, _ body: (DatagramClient) throws -> Void) throws {
        let registry = try FakeRegistry()
        let process = try ShardProcess(
            shards: "0", data: "\(mount.path)/\(directory)", registry: registry.address, log: logs.path + "/log")
        try body(try DatagramClient(try #require(registry.address(of: ShardID(rawValue: 0)))))
        process.kill(SIGKILL)
        try mount.cutPower()
    }

    private func expect(_ name: String, _ client: DatagramClient) throws {
        #expect(throws: Never.self) {
            try client.call(LookupRequest(dirId: .root, name: Array(name.utf8))).get()
        }
    }

    @Test("what was acknowledged in directories that were made a moment ago is there")
    func newDirectories() throws {
        try run("shard") { try $0.makeFile("file") }
        #expect(access(mount.path + "/shard/log", F_OK) == 0)
        try run("shard") { try expect("file", $0) }
    }

    @Test("a snapshot that was answered is there")
    func snapshots() throws {
        try run("shard") { client in
            try client.makeFile("file")
            _ = try client.call(ShardSnapshotRequest(snapshotId: 17)).get()
        }
        #expect(access(mount.path + "/shard/snapshot-17", F_OK) == 0)
        try run("shard/snapshot-17") { try expect("file", $0) }
    }
}

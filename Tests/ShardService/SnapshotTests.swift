import Glibc
import Protocol
import TestServices
import TestSupport
import Testing
import Wire

/// SHARD_SNAPSHOT.
@Suite(.timeLimit(.minutes(2))) struct SnapshotTests {
    @Test func snapshotsAreDataDirectories() throws {
        let directory = try TemporaryDirectory("shard")
        let registry = try FakeRegistry()
        let data = directory.path + "/shard"
        let process = try ShardProcess(shards: "0-1", data: data, registry: registry.address)
        let client = try DatagramClient(try #require(registry.address(of: ShardID(rawValue: 0))))
        let file = try client.makeFile("before")
        for _ in 0..<2 { _ = try client.call(ShardSnapshotRequest(snapshotId: 17)).get() }
        _ = try client.makeFile("after")
        let blocked = open(data + "/snapshot-18", O_CREAT | O_WRONLY, 0o600)
        #expect(blocked >= 0)
        close(blocked)
        #expect(try client.call(ShardSnapshotRequest(snapshotId: 18)) == .failure(.cannotCreateDbSnapshot))
        #expect(process.kill(SIGTERM) == 0)

        let copy = try ShardProcess(shards: "0-1", data: data + "/snapshot-17", registry: registry.address)
        let reader = try DatagramClient(try #require(registry.address(of: ShardID(rawValue: 0))))
        #expect(try reader.call(LookupRequest(dirId: .root, name: Array("before".utf8))).get().targetId == file)
        #expect(try reader.call(LookupRequest(dirId: .root, name: Array("after".utf8))) == .failure(.nameNotFound))
        #expect(copy.kill(SIGTERM) == 0)
    }

    @Test func oneAtATime() throws {
        let directory = try TemporaryDirectory("shard")
        let registry = try FakeRegistry()
        let process = try ShardProcess(shards: "0", data: directory.path + "/shard", registry: registry.address)
        let client = try DatagramClient(try #require(registry.address(of: ShardID(rawValue: 0))))
        // Both are there when it looks.
        kill(process.process.identifier, SIGSTOP)
        for number in [1, 2] as [UInt64] {
            client.send(
                try encodedBytes(capacity: 100) { (writer) throws(EncodeError) in
                    try PlainPacket.write(
                        .shardRequest, requestID: 100 + number, request: ShardSnapshotRequest(snapshotId: number),
                        into: &writer)
                })
        }
        kill(process.process.identifier, SIGCONT)
        var answers: [UInt64: UInt8] = [:]
        for _ in 0..<2 {
            let answer = try #require(client.receive(timeoutMilliseconds: 30_000))
            try answer.withUnsafeBytes { bytes in
                let packet = try PlainPacket(bytes, expecting: .shardResponse)
                answers[packet.requestID] = packet.kind
            }
        }
        #expect(answers == [101: ShardKind.shardSnapshot.rawValue, 102: 0])
        // Now there is none under way.
        #expect(try client.call(ShardSnapshotRequest(snapshotId: 2)) == .success(ShardSnapshotResponse()))
        #expect(process.kill(SIGTERM) == 0)
    }
}

import EventLoop
import Glibc
import Protocol
import TestServices
import TestSupport
import Testing
import Wire

/// Shards whose ports the system chooses, and who else may be met there.
@Suite(.timeLimit(.minutes(2))) struct PortTests {
    private func addresses(_ registry: FakeRegistry) throws -> [SocketAddress] {
        try (0..<64).map { try #require(registry.address(of: ShardID(rawValue: $0))) }
    }

    @Test("ports outlast a power failure") func powerCut() throws {
        let mount = try VolatileMount()
        let data = mount.path + "/shard"
        let log = try TemporaryDirectory("ports")
        var before: [SocketAddress] = []
        for round in 0..<3 {
            let registry = try FakeRegistry()
            let process = try ShardProcess(
                shards: "0-63", data: data, registry: registry.address, log: log.path + "/\(round).log")
            let now = try addresses(registry)
            if round > 0 { #expect(now == before) }
            before = now
            process.kill(SIGKILL)
            try mount.cutPower()
        }
    }

    @Test("what is for another shard gets no answer") func misdirected() throws {
        let directory = try TemporaryDirectory("shard")
        let registry = try FakeRegistry()
        let process = try ShardProcess(shards: "0", data: directory.path + "/shard", registry: registry.address)
        let client = try DatagramClient(try #require(registry.address(of: ShardID(rawValue: 0))))
        let shard = ShardID(rawValue: 9)
        let (file, other) = (
            InodeID(type: .file, shard: shard, index: 1), InodeID(type: .directory, shard: shard, index: 1)
        )
        client.send(try datagram(StatFileRequest(id: file), id: 1001))
        client.send(try datagram(LookupRequest(dirId: other, name: [1]), id: 1002))
        client.send(try datagram(SetTimeRequest(id: file, mtime: 0, atime: 0), id: 1003))
        client.send(
            try datagram(
                LinkFileRequest(fileId: file, cookie: Cookie(rawValue: 1), ownerId: other, name: [1]), id: 1004))
        // Answers come in the order of the requests, and what is refused is answered at once.
        client.send(try datagram(LookupRequest(dirId: .root, name: [1]), id: 1005))
        let answer = try #require(client.receive(timeoutMilliseconds: 10_000))
        let id = try answer.withUnsafeBytes { try PlainPacket($0, expecting: .shardResponse).requestID }
        #expect(id == 1005)
        #expect(process.kill(SIGTERM) == 0)
    }

    private func datagram<Request: ShardRPC>(_ request: Request, id: UInt64) throws -> [UInt8] {
        try encodedBytes(capacity: 200) { (writer) throws(EncodeError) in
            try PlainPacket.write(.shardRequest, requestID: id, request: request, into: &writer)
        }
    }
}

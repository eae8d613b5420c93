import Foundation
import Glibc
import Protocol
import TestServices
import TestSupport
import Testing
import Wire

/// A real shard whose disk is full: it loses nothing, says so, and goes on by itself.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct FullDiskTests {
    private let arguments = ["--state-memory", "8"]

    private func client(_ registry: FakeRegistry) throws -> DatagramClient {
        try DatagramClient(try #require(registry.address(of: ShardID(rawValue: 0))))
    }

    private func expectFiles(_ files: [String: InodeID], _ client: DatagramClient) throws {
        for (name, id) in files {
            #expect(try client.call(LookupRequest(dirId: .root, name: Array(name.utf8))).get().targetId == id)
        }
    }

    @Test func changesWaitForRoom() throws {
        let filesystem = try SmallFilesystem(kibibytes: 56 << 10)
        let data = filesystem.path + "/shard"
        let registry = try FakeRegistry()
        var files: [String: InodeID] = [:]

        let first = try ShardProcess(shards: "0", data: data, registry: registry.address, arguments)
        let writer = try client(registry)
        for number in 0..<20 { files["before-\(number)"] = try writer.makeFile("before-\(number)") }
        #expect(access(data + "/reserve", F_OK) == 0)
        try filesystem.fill(leaving: 1 << 20)
        let request = try encodedBytes(capacity: 100) { (writer) throws(EncodeError) in
            try PlainPacket.write(
                .shardRequest, requestID: 1 << 40, request: ConstructFileRequest(type: .file, note: []), into: &writer)
        }
        writer.send(request)
        #expect(writer.receive(timeoutMilliseconds: 500) == nil, "it was not durable")
        try expectFiles(files, writer)

        // There is room again, and nobody has to do anything.
        try filesystem.makeRoom()
        for number in 0..<20 { files["after-\(number)"] = try writer.makeFile("after-\(number)") }
        try filesystem.fill(leaving: 1 << 20)
        writer.send(request)
        #expect(writer.receive(timeoutMilliseconds: 500) == nil)
        first.kill(SIGKILL)

        // On the full disk it opens, with what its reserve leaves, and stops in good order.
        for signal in [SIGTERM, SIGKILL] {
            let second = try ShardProcess(shards: "0", data: data, registry: registry.address, arguments)
            try expectFiles(files, try client(registry))
            #expect(second.kill(signal) == (signal == SIGTERM ? 0 : 128 + SIGKILL))
        }
        try filesystem.makeRoom()
        let third = try ShardProcess(shards: "0", data: data, registry: registry.address, arguments)
        let reader = try client(registry)
        try expectFiles(files, reader)
        _ = try reader.makeFile("last")
        #expect(third.kill(SIGTERM) == 0)
        let log = try String(contentsOfFile: data + ".log", encoding: .utf8)
        #expect(log.contains("alarm: the disk is full") && log.contains("alarm is over: the disk has room again"))
    }

    @Test("without room to open it says how much it needs, and no half of a file stays behind")
    func opensOnlyWithRoom() throws {
        let filesystem = try SmallFilesystem(kibibytes: 3 << 10)
        let registry = try FakeRegistry()
        let data = filesystem.path + "/shard"
        #expect(throws: TestFailure.self) {
            _ = try ShardProcess(shards: "0", data: data, registry: registry.address, arguments)
        }
        let log = try String(contentsOfFile: data + ".log", encoding: .utf8)
        #expect(log.contains("8 MiB must be free on its disk"), "\(log)")
        #expect(names(in: data).isEmpty)
    }
}

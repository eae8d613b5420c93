import EventLoop
import Glibc
import Protocol
import TestServices
import TestSupport
import Testing
import Wire

/// A shard whose clock is not the registry's. Here it is the registry's that is moved, which is the same.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct WrongClockTests {
    private static let month: Int64 = 30 * 86_400

    private func write(_ client: DatagramClient) throws -> InodeID {
        try client.call(ConstructFileRequest(type: .file, note: [])).get().id
    }

    @Test("writes are not answered while the clocks are apart, reads are, and all is well afterwards",
        arguments: [Self.month, -Self.month])
    func wrongAndRight(seconds: Int64) throws {
        let directory = try TemporaryDirectory()
        let registry = try FakeRegistry(clockSeconds: 0)
        let first = try ShardProcess(shards: "0", data: directory.path + "/shard", registry: registry.address)
        #expect(first.kill(SIGTERM) == 0)
        registry.state.withLock { $0.clockSeconds = seconds }
        let process = try ShardProcess(shards: "0", data: directory.path + "/shard", registry: registry.address)
        let address = try #require(registry.address(of: ShardID(rawValue: 0)))
        let client = try DatagramClient(address)
        let request = try encodedBytes(capacity: 100) { (writer) throws(EncodeError) in
            try PlainPacket.write(
                .shardRequest, requestID: 7, request: ConstructFileRequest(type: .file, note: []), into: &writer)
        }
        for _ in 0..<3 {
            client.send(request)
            #expect(client.receive(timeoutMilliseconds: 300) == nil)
        }
        let name = LookupRequest(dirId: .root, name: [1])
        #expect(try client.call(name) == .failure(.nameNotFound))
        registry.state.withLock { $0.clockSeconds = 0 }
        // The same request, as a client repeats it.
        _ = try write(client)
        let log = try String(contentsOfLog: directory.path + "/shard.log")
        #expect(log.contains("s \(seconds < 0 ? "ahead of" : "behind") the registry's"))
        #expect(process.kill(SIGTERM) == 0)
    }

    @Test("a shard does not begin by a wrong clock", arguments: [Self.month, -Self.month])
    func beginning(seconds: Int64) throws {
        let directory = try TemporaryDirectory()
        let registry = try FakeRegistry(clockSeconds: seconds)
        let log = directory.path + "/shard.log"
        // As soon as it is heard that the clock is wrong it is set right.
        try SystemThread(name: "operator") {
            while (try? String(contentsOfLog: log).contains("nothing is changed")) != true { usleep(10_000) }
            registry.state.withLock { state in
                state.clockSeconds = state.shards.isEmpty ? 0 : nil
            }
        }.detach()
        let process = try ShardProcess(
            shards: "0", data: directory.path + "/shard", registry: registry.address, ["--log-level", "debug"])
        // Nobody had been told of it before.
        #expect(registry.state.withLock { $0.clockSeconds } == 0)
        _ = try write(try DatagramClient(try #require(registry.address(of: ShardID(rawValue: 0)))))
        let lines = try String(contentsOfLog: log).split(separator: "\n")
        let agreement = try #require(lines.firstIndex { $0.contains("agrees with the registry's again") })
        let beginning = try #require(lines.firstIndex { $0.contains("makes its first entry") })
        #expect(agreement < beginning)
        #expect(process.kill(SIGTERM) == 0)
    }

    @Test("a registry that tells no time does not keep anybody from writing")
    func baseProtocol() throws {
        let directory = try TemporaryDirectory()
        let registry = try FakeRegistry()
        let process = try ShardProcess(shards: "0", data: directory.path + "/shard", registry: registry.address)
        _ = try write(try DatagramClient(try #require(registry.address(of: ShardID(rawValue: 0)))))
        #expect(process.kill(SIGTERM) == 0)
    }
}

extension String {
    fileprivate init(contentsOfLog path: String) throws {
        guard let file = fopen(path, "r") else { throw TestFailure("no log at \(path)") }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        self.init(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
    }
}

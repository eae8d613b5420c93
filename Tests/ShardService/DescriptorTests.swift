import Foundation
import Glibc
import Protocol
import TestServices
import TestSupport
import Testing

/// Shards that cannot open anything for a while.
@Suite(.timeLimit(.minutes(2))) struct DescriptorTests {
    @Test("a registry that cannot be reached for want of descriptors is asked again when there are some")
    func registry() throws {
        let directory = try TemporaryDirectory("shard")
        // As long as the clocks are apart it is asked every second.
        let registry = try FakeRegistry(clockSeconds: 0)
        #expect(
            try ShardProcess(shards: "0", data: directory.path + "/shard", registry: registry.address).kill(SIGTERM) == 0)
        registry.state.withLock { $0.clockSeconds = 30 * 86_400 }
        let process = try ShardProcess(shards: "0", data: directory.path + "/shard", registry: registry.address)
        let client = try DatagramClient(try #require(registry.address(of: ShardID(rawValue: 0))))
        try process.process.mayOpen(false)
        registry.hangUp()
        registry.state.withLock { $0.clockSeconds = 0 }
        let log = { try String(contentsOfFile: directory.path + "/shard.log", encoding: .utf8) }
        #expect(try happens { try log().contains("cannot fetch block services") })
        // It serves, but it cannot know yet that its clock is right.
        #expect(try client.call(LookupRequest(dirId: .root, name: [1])) == .failure(.nameNotFound))
        #expect(try process.process.sleeps(), "it tries all the time")
        try process.process.mayOpen(true)
        _ = try client.call(ConstructFileRequest(type: .file, note: [])).get()
        #expect(process.kill(SIGTERM) == 0)
    }
}

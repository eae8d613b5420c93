import Foundation
import Glibc
import Protocol
import TestSupport
import Testing
import Wire

/// A real registry whose disk is full: it answers questions, loses nothing, says so, and goes on by itself.
@Suite(.timeLimit(.minutes(3))) struct FullDiskTests {
    private func locations(_ registry: RegistryProcess) throws -> [LocationID] {
        try BlockingClient(registry.address).call(LocationsRequest()).locations.map(\.id)
    }

    private func create(_ location: UInt8) -> CreateLocationRequest {
        CreateLocationRequest(id: LocationID(rawValue: location), name: Array("location \(location)".utf8))
    }

    @Test func changesWaitForRoom() throws {
        let filesystem = try SmallFilesystem(kibibytes: 48 << 10)
        let data = filesystem.path + "/registry"
        let first = try RegistryProcess(data: data)
        _ = try BlockingClient(first.address).call(create(1))
        #expect(access(data + "/reserve", F_OK) == 0)
        let before = try locations(first)
        try filesystem.fill(leaving: 1 << 20)
        let waiting = try BlockingClient(first.address)
        try waiting.send(create(2))
        #expect(!waiting.isHungUp(within: 1), "it was neither durable nor refused")
        #expect(try locations(first) == before)
        let log = { try String(contentsOfFile: data + ".log", encoding: .utf8) }
        #expect(try happens { try log().contains("alarm: the disk under the log and state of the registry is full") })

        // There is room again, and nobody has to do anything.
        try filesystem.makeRoom()
        _ = try waiting.answer(to: CreateLocationRequest.self)
        #expect(try locations(first) == before + [LocationID(rawValue: 2)])

        // It ends in good order while something waits, and opens with what its reserve leaves.
        try filesystem.fill(leaving: 1 << 20)
        let last = try BlockingClient(first.address)
        try last.send(create(3))
        #expect(!last.isHungUp(within: 1))
        #expect(first.end(SIGTERM) == 0)
        let second = try RegistryProcess(data: data)
        #expect(try locations(second).starts(with: before + [LocationID(rawValue: 2)]))
        second.end(SIGKILL)

        try filesystem.makeRoom()
        let third = try RegistryProcess(data: data)
        _ = try BlockingClient(third.address).call(create(4))
        #expect(third.end(SIGTERM) == 0)
    }

    @Test func whatOthersReportIsAnAlarm() throws {
        let directory = try TemporaryDirectory("registry")
        let data = directory.path + "/r"
        let registry = try RegistryProcess(data: data, try directory.clusterKey())
        func report(_ free: UInt64, isFull: Bool) -> ReportMetadataDiskRequest {
            ReportMetadataDiskRequest(
                location: .default, isCoordinator: true, shard: ShardID(rawValue: 0), isFull: isFull, freeBytes: free << 20,
                wantedBytes: 100 << 20)
        }
        let client = try BlockingClient(registry.address)
        #expect(try client.call(ExtensionsRequest()).extensions.contains(.metadataDisks))
        #expect(throws: ProtocolError.notAuthorised) { try client.call(report(3, isFull: true)) }
        let key = try #require(ClusterKey(hexadecimal: TemporaryDirectory.keyDigits)).key(for: .registryConnections)
        _ = try client.call(ProveRequest(proof: try client.call(ChallengeRequest()).proof(MACKey(key))))
        let log = { try String(contentsOfFile: data + ".log", encoding: .utf8) }
        let (full, nearly) = ("coordinator is full (3 MiB are free)", "coordinator has 50 MiB left, at least 100 MiB")
        _ = try client.call(report(50, isFull: false))
        #expect(try happens { try log().contains(nearly) })
        _ = try client.call(report(3, isFull: true))
        #expect(try happens { try log().contains(full) })
        _ = try client.call(report(1000, isFull: false))
        let over = "alarm is over: the disk under the log and state of the coordinator is full"
        #expect(try happens { try log().contains(over) })
    }
}

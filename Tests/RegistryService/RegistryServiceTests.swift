import EventLoop
import Glibc
import Protocol
import TestSupport
import Testing
import Wire

/// What only the whole program can show: its socket, its disk, its beginning and end.
@Suite(.timeLimit(.minutes(2))) struct RegistryServiceTests {
    private func registration(of shard: UInt8, port: UInt16) -> RegisterShardRequest {
        RegisterShardRequest(
            shrid: ShardReplicaID(shard: ShardID(rawValue: shard), replica: ReplicaID(rawValue: 0)), isLeader: true,
            addrs: AddrsInfo(
                addr1: IpPort(addrs: .loopback, port: port), addr2: IpPort(addrs: IPv4Address(rawValue: 0), port: 0)),
            location: .default)
    }

    @Test func itKnowsItselfWhenItIsReady() throws {
        let directory = try TemporaryDirectory("registry")
        let registry = try RegistryProcess(data: directory.path + "/r")
        let client = try BlockingClient(registry.address)
        let own = try client.call(RegistryRequest()).addrs
        #expect(own.addr1.port == registry.address.port && own.addr1.addrs == .loopback)
        #expect(try client.call(AllRegistryReplicasRequest()).replicas.count == 5)
    }

    @Test func whatWasAnsweredSurvivesAKill() throws {
        let directory = try TemporaryDirectory("registry")
        var registry = try RegistryProcess(data: directory.path + "/r")
        // All shards at once, as one process registers them.
        let clients = try (0...UInt8.max).map { shard in
            let client = try BlockingClient(registry.address)
            try client.send(registration(of: shard, port: 1000 + UInt16(shard)))
            return client
        }
        for client in clients { _ = try client.answer(to: RegisterShardRequest.self) }
        registry.end(SIGKILL)
        registry = try RegistryProcess(data: directory.path + "/r")
        var shards = try BlockingClient(registry.address).call(LocalShardsRequest()).shards
        #expect(shards.map(\.addrs.addr1.port) == (1000..<1256).map(UInt16.init))
        #expect(registry.end(SIGTERM) == 0, "told to end, it ends in good order")
        registry = try RegistryProcess(data: directory.path + "/r")
        shards = try BlockingClient(registry.address).call(LocalShardsRequest()).shards
        #expect(shards.map(\.addrs.addr1.port) == (1000..<1256).map(UInt16.init))
    }

    @Test func withoutDescriptorsItWaitsForSome() throws {
        let directory = try TemporaryDirectory("registry")
        let registry = try RegistryProcess(data: directory.path + "/r")
        try registry.process.mayOpen(false)
        // The system takes the connection, and the registry has nothing to take it with.
        let client = try BlockingClient(registry.address)
        try client.send(registration(of: 7, port: 1007))
        #expect(try registry.process.sleeps(), "it looks for connections all the time")
        try registry.process.mayOpen(true)
        _ = try client.answer(to: RegisterShardRequest.self)
        let shards = try BlockingClient(registry.address).call(LocalShardsRequest()).shards
        #expect(shards[7].addrs.addr1.port == 1007)
        #expect(registry.end(SIGTERM) == 0)
    }

    @Test(
        arguments: [
            Array("GET / HTTP/1.1\r\n\r\n".utf8),
            [0x53, 0x48, 0x55, 0x00, 0, 0, 0, 0],  // no kind
            [0x53, 0x48, 0x55, 0x00, 0xff, 0xff, 0xff, 0xff],  // four gigabytes
            [0x53, 0x48, 0x55, 0x00, 1, 0, 0, 0, 0x99],  // no such kind
            [0x53, 0x48, 0x55, 0x00, 3, 0, 0, 0, 3, 1, 2],  // a body too long
            [0x53, 0x48, 0x55, 0x00, 2, 0, 0, 0, 4, 1],  // a body too short
            [0x53, 0x48, 0x55, 0x01, 1, 0, 0, 0, 3],  // an answer
        ] as [[UInt8]])
    func nonsenseEndsTheConnectionAndNothingElse(bytes: [UInt8]) throws {
        let directory = try TemporaryDirectory("registry")
        let registry = try RegistryProcess(data: directory.path + "/r")
        let friend = try BlockingClient(registry.address)
        let stranger = try BlockingClient(registry.address)
        try stranger.send(bytes)
        #expect(stranger.isHungUp())
        #expect(try friend.call(InfoRequest()).numBlockServices == 0)
    }

    @Test func requestsMayComeInPiecesOrAllAtOnce() throws {
        let directory = try TemporaryDirectory("registry")
        let registry = try RegistryProcess(data: directory.path + "/r")
        let client = try BlockingClient(registry.address)
        let frame = try RegistryFrame.encoded(
            .registryRequest, kind: RegistryKind.registerShard.rawValue, body: registration(of: 9, port: 9))
        for byte in frame { try client.send([byte]) }
        _ = try client.answer(to: RegisterShardRequest.self)
        // Writes and reads mixed: the answers come in the order of the questions.
        let read = try RegistryFrame.encoded(
            .registryRequest, kind: RegistryKind.localCdc.rawValue, body: LocalCdcRequest())
        try client.send((0..<50).flatMap { _ in frame + read })
        for _ in 0..<50 {
            _ = try client.answer(to: RegisterShardRequest.self)
            _ = try client.answer(to: LocalCdcRequest.self)
        }
    }

    @Test func refusalsAreErrorFrames() throws {
        let directory = try TemporaryDirectory("registry")
        let registry = try RegistryProcess(data: directory.path + "/r", ["--enforce-stable-leader"])
        let client = try BlockingClient(registry.address)
        #expect(throws: ProtocolError.locationNotFound) {
            try client.call(ShardsAtLocationRequest(locationId: LocationID(rawValue: 7)))
        }
        var follower = registration(of: 1, port: 1)
        follower.isLeader = false
        #expect(throws: ProtocolError.leaderPreempted) { try client.call(follower) }
        #expect(try client.call(LocationsRequest()).locations.count == 1, "the connection lives on")
    }

    @Test func itSaysWhatTheClusterCanDo() throws {
        let directory = try TemporaryDirectory("registry")
        let registry = try RegistryProcess(data: directory.path + "/r")
        let extensions = try BlockingClient(registry.address).call(ExtensionsRequest()).extensions
        #expect(extensions.contains(.exclusiveMakeDirectory))
        let modest = try RegistryProcess(data: directory.path + "/m", ["--base-protocol-only"])
        #expect(try BlockingClient(modest.address).call(ExtensionsRequest()).extensions == [])
    }

    @Test func atTheLimitTheOldestIdleClientGivesWay() throws {
        let directory = try TemporaryDirectory("registry")
        let registry = try RegistryProcess(data: directory.path + "/r", ["--max-connections", "4"])
        let clients = try (0..<8).map { _ in
            let client = try BlockingClient(registry.address)
            _ = try client.call(InfoRequest())
            return client
        }
        #expect(clients[0].isHungUp())
        #expect(try clients[7].call(InfoRequest()).numBlockServices == 0)
    }

    @Test func silenceEndsTheConnection() throws {
        let directory = try TemporaryDirectory("registry")
        let registry = try RegistryProcess(data: directory.path + "/r", ["--request-timeout", "1"])
        let (silent, slow) = (try BlockingClient(registry.address), try BlockingClient(registry.address))
        try slow.send([0x53, 0x48])
        #expect(silent.isHungUp(within: 30))
        #expect(slow.isHungUp(within: 30))
    }

    @Test func unfinishedRequestsOfOneDoNotKeepOthersOut() throws {
        let directory = try TemporaryDirectory("registry")
        let registry = try RegistryProcess(data: directory.path + "/r")
        // Frames of a megabyte that lack their last byte, more than the registry keeps.
        let frame = [0x53, 0x48, 0x55, 0x00, 0, 0, 0x10, 0] + [UInt8](repeating: 3, count: 1 << 20 - 1)
        let flood = try (0..<70).map { _ in
            let client = try BlockingClient(registry.address)
            try client.send(frame)
            return client
        }
        #expect(try BlockingClient(registry.address).call(InfoRequest()).numBlockServices == 0)
        #expect(flood[0].isHungUp())
    }

    @Test func twoCannotShareADirectory() throws {
        let directory = try TemporaryDirectory("registry")
        let first = try RegistryProcess(data: directory.path + "/r")
        #expect(throws: TestFailure.self) { try RegistryProcess(data: directory.path + "/r") }
        _ = try BlockingClient(first.address).call(InfoRequest())
    }
}

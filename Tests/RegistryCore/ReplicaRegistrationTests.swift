import Protocol
import RegistryCore
import Testing

/// Shards, coordinators, registries and locations (A.4).
@Suite struct ReplicaRegistrationTests {
    @Test func aFreshRegistryKnowsNobodyButHasAllRows() throws {
        let registry = try RegistryHarness()
        #expect(try registry.localShards().count == 256)
        #expect(try registry.localShards().allSatisfy { $0.addrs.addr1.port == 0 && $0.lastSeen == .zero })
        #expect(try registry.allShards().count == 1280)
        #expect(
            try registry.read(.locations(LocationsRequest()))
                == .locations(
                    LocationsResponse(locations: [LocationInfo(id: .default, name: Array("default".utf8))])))
    }

    @Test func aRegisteredLeaderIsWhatClientsSee() throws {
        let registry = try RegistryHarness()
        try registry.write(registerShard(17, addrs: addrs(5)))
        let row = try registry.localShards()[17]
        #expect(row.addrs == addrs(5))
        #expect(row.lastSeen == registry.now)
        #expect(try registry.localShards().filter { $0.addrs.addr1.port != 0 }.count == 1)
    }

    @Test func followersAreNotShownAsLeaders() throws {
        let registry = try RegistryHarness()
        try registry.write(registerShard(3, replica: 2, leader: false, addrs: addrs(5)))
        #expect(try registry.localShards()[3].addrs.addr1.port == 0)
        let row = try #require(try registry.allShards().first { $0.id == shardReplica(3, 2) })
        #expect(row.addrs == addrs(5) && !row.isLeader)
    }

    @Test func aNewLeaderReplacesTheOldOne() throws {
        let registry = try RegistryHarness()
        try registry.write(registerShard(3, replica: 0, addrs: addrs(1)))
        try registry.write(registerShard(3, replica: 4, addrs: addrs(2)))
        #expect(try registry.localShards()[3].addrs == addrs(2))
        #expect(try registry.allShards().filter { $0.id.shard.rawValue == 3 && $0.isLeader }.count == 1)
    }

    @Test func movingTheLeaderIsExclusive() throws {
        let registry = try RegistryHarness()
        try registry.write(registerShard(3, replica: 0, addrs: addrs(1)))
        try registry.write(registerShard(3, replica: 1, leader: false, addrs: addrs(2)))
        let move = MoveShardLeaderRequest(shrid: shardReplica(3, 1), location: .default)
        #expect(try registry.refusal(.moveShardLeader(move)) == nil)
        #expect(try registry.localShards()[3].addrs == addrs(2))
        let nowhere = MoveShardLeaderRequest(shrid: shardReplica(3, 1), location: LocationID(rawValue: 9))
        #expect(try registry.refusal(.moveShardLeader(nowhere)) == .invalidReplica)
    }

    @Test(arguments: [UInt8(5), 255]) func replicasBeyondTheFifthDoNotExist(replica: UInt8) throws {
        let registry = try RegistryHarness()
        #expect(try registry.refusal(registerCdc(replica: replica, addrs: addrs(1))) == .invalidReplica)
        let move = MoveCdcLeaderRequest(replica: ReplicaID(rawValue: replica), location: .default)
        #expect(try registry.refusal(.moveCdcLeader(move)) == .invalidReplica)
        let clear = ClearCdcInfoRequest(replica: ReplicaID(rawValue: replica), location: .default)
        #expect(try registry.refusal(.clearCdcInfo(clear)) == .invalidReplica)
    }

    @Test func addressesMustBePresentAndDistinct() throws {
        let registry = try RegistryHarness()
        #expect(try registry.refusal(registerShard(1, addrs: addrs(1, port: 0))) == .malformedRequest)
        let twice = AddrsInfo(addr1: addrs(1).addr1, addr2: addrs(1).addr1)
        #expect(try registry.refusal(registerCdc(addrs: twice)) == .malformedRequest)
    }

    @Test func theCoordinatorIsFoundTheSameWay() throws {
        let registry = try RegistryHarness()
        try registry.write(registerCdc(addrs: addrs(8)))
        #expect(
            try registry.read(.localCdc(LocalCdcRequest()))
                == .localCdc(LocalCdcResponse(addrs: addrs(8), lastSeen: registry.now)))
        guard
            case .cdcReplicasDeprecated(let replicas) = try registry.read(
                .cdcReplicasDeprecated(CdcReplicasDeprecatedRequest()))
        else { throw UnexpectedAnswer() }
        #expect(replicas.replicas.count == 5 && replicas.replicas[0] == addrs(8))
        guard case .allCdc(let all) = try registry.read(.allCdc(AllCdcRequest())) else { throw UnexpectedAnswer() }
        #expect(all.replicas.count == 5 && all.replicas[0].isLeader)
    }

    @Test func aRegistryAnswersItsOwnAddress() throws {
        let registry = try RegistryHarness()
        try registry.write(
            .registerRegistry(
                RegisterRegistryRequest(
                    replicaId: ReplicaID(rawValue: 0), location: .default, isLeader: true, addrs: addrs(7),
                    bootstrap: false)))
        #expect(try registry.read(.registry(RegistryRequest())) == .registry(RegistryResponse(addrs: addrs(7))))
        guard
            case .allRegistryReplicas(let all) = try registry.read(
                .allRegistryReplicas(AllRegistryReplicasRequest()))
        else { throw UnexpectedAnswer() }
        #expect(all.replicas.count == 5 && all.replicas[0].addrs == addrs(7))
    }

    @Test func stableIPTruthTable() throws {
        let registry = try RegistryHarness(
            RegistryConfiguration(rules: RegistryRules(enforceStableIP: true)))
        #expect(try registry.refusal(registerShard(1, addrs: addrs(1))) == nil, "the first address is free")
        #expect(try registry.refusal(registerShard(1, addrs: addrs(1, port: 2))) == nil, "ports may change")
        #expect(try registry.refusal(registerShard(1, addrs: addrs(2))) == .differentAddrsInfo)
        let both = AddrsInfo(addr1: addrs(2).addr1, addr2: addrs(1).addr1)
        #expect(try registry.refusal(registerShard(1, addrs: both)) == nil, "one IP in common is enough")
        let clear = ClearShardInfoRequest(shrid: shardReplica(1), location: .default)
        #expect(try registry.refusal(.clearShardInfo(clear)) == nil)
        #expect(try registry.localShards()[1].lastSeen == .zero)
        #expect(try registry.refusal(registerShard(1, addrs: addrs(3))) == nil, "cleared: any address")
    }

    @Test func stableLeaderTruthTable() throws {
        let registry = try RegistryHarness(
            RegistryConfiguration(rules: RegistryRules(enforceStableLeader: true)))
        #expect(try registry.refusal(registerShard(1, replica: 0, addrs: addrs(1))) == nil)
        #expect(try registry.refusal(registerShard(1, replica: 0, leader: false, addrs: addrs(1))) == .leaderPreempted)
        #expect(try registry.refusal(registerShard(1, replica: 1, addrs: addrs(2))) == .leaderPreempted)
        #expect(try registry.refusal(registerShard(1, replica: 1, leader: false, addrs: addrs(2))) == nil)
        try registry.write(
            .moveShardLeader(MoveShardLeaderRequest(shrid: shardReplica(1, 1), location: .default)))
        #expect(try registry.refusal(registerShard(1, replica: 1, addrs: addrs(2))) == nil)
        #expect(try registry.refusal(registerShard(1, replica: 0, addrs: addrs(1))) == .leaderPreempted)
    }

    @Test func locationsComeWithRows() throws {
        let registry = try RegistryHarness()
        let one = LocationID(rawValue: 1)
        #expect(try registry.refusal(registerShard(9, addrs: addrs(1), location: 1)) == .invalidReplica)
        let create = AnyRegistryRequest.createLocation(CreateLocationRequest(id: one, name: Array("berlin".utf8)))
        #expect(try registry.refusal(create) == nil)
        #expect(try registry.refusal(create) == .locationExists)
        #expect(try registry.refusal(registerShard(9, addrs: addrs(1), location: 1)) == nil)
        #expect(try registry.refusal(registerCdc(addrs: addrs(2), location: 1)) == nil)
        guard
            case .shardsAtLocation(let shards) = try registry.read(
                .shardsAtLocation(ShardsAtLocationRequest(locationId: one)))
        else { throw UnexpectedAnswer() }
        #expect(shards.shards.count == 256 && shards.shards[9].addrs == addrs(1))
        guard case .cdcAtLocation(let cdc) = try registry.read(.cdcAtLocation(CdcAtLocationRequest(locationId: one)))
        else { throw UnexpectedAnswer() }
        #expect(cdc.addrs == addrs(2) && cdc.lastSeen >= registry.now)
        #expect(try registry.localShards()[9].addrs.addr1.port == 0, "the own location is another one")
        try registry.restart(RegistryConfiguration(location: one))
        #expect(try registry.localShards()[9].addrs == addrs(1))
    }

    @Test func locationsAreRenamedAndBounded() throws {
        let registry = try RegistryHarness()
        let rename = RenameLocationRequest(id: LocationID(rawValue: 3), name: Array("x".utf8))
        #expect(try registry.refusal(.renameLocation(rename)) == .locationNotFound)
        for id in 1..<UInt8(50) {
            let create = CreateLocationRequest(id: LocationID(rawValue: id), name: [id])
            #expect(try registry.refusal(.createLocation(create)) == nil)
        }
        #expect(
            try registry.refusal(.createLocation(CreateLocationRequest(id: LocationID(rawValue: 60), name: [])))
                == .malformedRequest)
        #expect(
            try registry.refusal(.createLocation(CreateLocationRequest(id: .invalid, name: []))) == .malformedRequest)
        #expect(try registry.refusal(.renameLocation(rename)) == nil)
        // The longest answer must still have an encoding.
        let all = AllShardsResponse(shards: try registry.allShards())
        #expect(try all.encoded().count == 2 + 50 * 1280 * 24)
        #expect(throws: ProtocolError.locationNotFound) {
            try registry.read(.shardsAtLocation(ShardsAtLocationRequest(locationId: LocationID(rawValue: 200))))
        }
    }
}

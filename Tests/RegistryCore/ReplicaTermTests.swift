import Protocol
import RegistryCore
import Testing

/// Who leads a group of several replicas is a matter of terms.
@Suite struct ReplicaTermTests {
    private func register(_ slot: UInt8, term: UInt64, host: UInt32, group: UInt32 = 3) -> AnyRegistryRequest {
        .registerReplica(
            RegisterReplicaRequest(
                group: GroupNumber(rawValue: group), replica: ReplicaID(rawValue: slot), location: .default,
                term: Term(rawValue: term), addrs: addrs(host)))
    }

    private func leaders(_ registry: RegistryHarness) throws -> [UInt8] {
        try registry.allShards().filter { $0.id.shard.rawValue == 3 && $0.isLeader }.map(\.id.replica.rawValue)
    }

    @Test func theLatestTermHolds() throws {
        let registry = try RegistryHarness()
        try registry.write(register(0, term: 4, host: 1))
        try registry.write(register(1, term: 6, host: 2))
        #expect(try leaders(registry) == [1])
        // Said before the other was elected, and come later.
        try registry.write(register(0, term: 4, host: 1))
        #expect(try leaders(registry) == [1])
        try registry.write(register(0, term: 7, host: 1))
        #expect(try leaders(registry) == [0])
        try registry.write(register(0, term: 0, host: 1))
        #expect(try leaders(registry) == [])
    }

    @Test func termsOutliveARestart() throws {
        let registry = try RegistryHarness()
        try registry.write(register(1, term: 6, host: 2))
        try registry.restart()
        try registry.write(register(0, term: 4, host: 1))
        #expect(try leaders(registry) == [1])
    }

    /// Now this one, now that: one of them may not get through to the leader.
    @Test func eachFollowerIsTheSecondWayNowAndThen() throws {
        let registry = try RegistryHarness()
        try registry.write(register(0, term: 4, host: 1))
        #expect(try registry.localShards()[3].addrs == addrs(1))
        try registry.write(register(1, term: 0, host: 2))
        try registry.write(register(2, term: 0, host: 9))
        // Who asks every other second gets both, too.
        let ways = try (0..<20).map { _ in
            registry.now = Timestamp(nanoseconds: registry.now.nanoseconds + 2_000_000_000)
            return try registry.localShards()[3].addrs
        }
        #expect(ways.allSatisfy { $0.addr1 == addrs(1).addr1 })
        #expect(Set(ways.map(\.addr2)) == [addrs(2).addr1, addrs(9).addr1])
        try registry.write(register(0, term: 0, host: 1))
        #expect(try registry.localShards()[3].addrs.addr1.port != 0)
    }

    @Test func aFollowerOfAGroupWithoutTermsIsNoWay() throws {
        let registry = try RegistryHarness()
        try registry.write(registerShard(3, addrs: addrs(1)))
        try registry.write(registerShard(3, replica: 1, leader: false, addrs: addrs(2)))
        #expect(try registry.localShards()[3].addrs == addrs(1))
    }

    @Test func theBaseProtocolNamesNoLeadersThere() throws {
        let registry = try RegistryHarness()
        try registry.write(register(1, term: 6, host: 2))
        try registry.write(registerShard(3, replica: 0, leader: true, addrs: addrs(1)))
        try registry.write(registerShard(3, replica: 1, leader: false, addrs: addrs(2)))
        #expect(try leaders(registry) == [1])
        let move = MoveShardLeaderRequest(shrid: shardReplica(3, 0), location: .default)
        #expect(try registry.refusal(.moveShardLeader(move)) == .leaderPreempted)
        #expect(try leaders(registry) == [1])
    }

    @Test func theCoordinatorIsAGroupToo() throws {
        let registry = try RegistryHarness()
        try registry.write(register(2, term: 1, host: 5, group: 256))
        try registry.write(register(1, term: 0, host: 6, group: 256))
        guard case .localCdc(let answer) = try registry.read(.localCdc(LocalCdcRequest())) else {
            throw ProtocolError.internalError
        }
        #expect(answer.addrs == AddrsInfo(addr1: addrs(5).addr1, addr2: addrs(6).addr1))
    }

    @Test(arguments: [UInt32(258), 1 << 20]) func otherGroupsDoNotExist(_ group: UInt32) throws {
        let registry = try RegistryHarness()
        #expect(try registry.refusal(register(0, term: 1, host: 1, group: group)) == .invalidReplica)
        #expect(try registry.refusal(register(5, term: 1, host: 1)) == .invalidReplica)
    }
}

import Protocol
import RegistryCore
import Testing

@Suite struct GroupTroublesTests {
    private static let second: UInt64 = 1_000_000_000

    private func report(
        _ trouble: GroupTrouble, _ groups: [UInt32], replica: UInt8 = 0, isCoordinator: Bool = false
    ) -> ReportGroupsRequest {
        ReportGroupsRequest(
            location: .default, isCoordinator: isCoordinator, shard: ShardID(rawValue: 0),
            replica: ReplicaID(rawValue: replica),
            groups: groups.map { TroubledGroup(group: GroupNumber(rawValue: $0), trouble: trouble) })
    }

    @Test func oneAlarmNamesAllGroups() {
        var troubles = GroupTroubles()
        troubles.report(report(.isFragile, (0..<256).filter { $0 % 2 == 0 }), at: 0)
        troubles.report(report(.isFragile, (0..<256).filter { $0 % 2 == 1 }, replica: 2), at: 0)
        troubles.report(report(.isFragile, [256], replica: 2, isCoordinator: true), at: 0)
        #expect(troubles.alarms(at: 0).map(\.kind) == [.fragileGroups])
        #expect(troubles.alarms(at: 0).map(\.subject) == ["shards 0-255, coordinator"])
        // What stands still is not just at risk.
        troubles.report(report(.hasNoLeader, [3, 8], replica: 1), at: 0)
        #expect(
            troubles.alarms(at: 0).map(\.subject) == ["shards 3, 8", "shards 0-2, 4-7, 9-255, coordinator"])
        troubles.report(.registry, [TroubledGroup(group: .registry, trouble: .hasNoLeader)], at: 0)
        #expect(troubles.alarms(at: 0).first?.subject == "shards 3, 8, registry")
        // It is over when they say so.
        troubles.report(report(.isFragile, []), at: 0)
        troubles.report(report(.isFragile, [], replica: 2), at: 0)
        troubles.report(report(.isFragile, [], replica: 2, isCoordinator: true), at: 0)
        troubles.report(.registry, [], at: 0)
        #expect(troubles.alarms(at: 0).map(\.subject) == ["shards 3, 8"])
    }

    @Test func onlyTheClustersOwnProgramsMaySaySo() {
        #expect(RegistryKind.reportGroups.needsProof && RegistryKind.registrySteer.needsProof)
        #expect(!RegistryKind.registryReplicaStatus.needsProof)
    }

    @Test func whoIsSilentIsForgotten() {
        var troubles = GroupTroubles()
        troubles.report(report(.isFragile, [7]), at: 5 * Self.second)
        #expect(troubles.alarms(at: 184 * Self.second).map(\.subject) == ["shard 7"])
        #expect(troubles.alarms(at: 186 * Self.second).isEmpty)
    }
}

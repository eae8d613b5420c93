import Protocol
import RegistryCore
import Testing

@Suite struct MetadataDisksTests {
    private static let second: UInt64 = 1_000_000_000

    private func report(
        _ free: UInt64, isFull: Bool = false, shard: UInt8? = nil, location: UInt8 = 0
    ) -> ReportMetadataDiskRequest {
        ReportMetadataDiskRequest(
            location: LocationID(rawValue: location), isCoordinator: shard == nil, shard: ShardID(rawValue: shard ?? 0),
            isFull: isFull, freeBytes: free, wantedBytes: 100)
    }

    @Test func oneAlarmForEachDiskWithLittleRoom() {
        var disks = MetadataDisks()
        disks.report(report(100), at: 0)
        #expect(disks.alarms(at: 0).isEmpty)
        disks.report(report(99), at: 0)
        disks.report(report(99, shard: 0), at: 0)
        disks.report(report(1000, isFull: true, shard: 128), at: 0)
        disks.report(report(99, location: 3), at: 0)
        disks.report(.registry, isFull: true, freeBytes: 0, wantedBytes: 1, at: 0)
        let alarms = disks.alarms(at: 0)
        #expect(Set(alarms.map(\.subject)).count == 5)
        #expect(alarms.count { $0.kind == .fullMetadataDisk } == 2 && alarms.count { $0.kind == .nearlyFullMetadataDisk } == 3)
        // From nearly full to full is another alarm, so that people are told.
        disks.report(report(1, isFull: true), at: 0)
        #expect(disks.alarms(at: 0).count { $0.kind == .fullMetadataDisk } == 3)
        disks.report(report(500), at: 0)
        #expect(disks.alarms(at: 0).count == 4)
    }

    @Test func whoIsSilentIsForgotten() {
        var disks = MetadataDisks()
        disks.report(report(1), at: 5 * Self.second)
        disks.report(report(1, shard: 1), at: 100 * Self.second)
        #expect(disks.alarms(at: 184 * Self.second).count == 2)
        #expect(disks.alarms(at: 186 * Self.second).count == 1)
    }
}

import Protocol
import RegistryCore
import Testing

struct AlarmTests {
    private let needs = [PlacementNeed(storageClass: .flash, failureDomains: 4)]

    private func disks(_ count: Int) -> [RegisterBlockServiceInfo] {
        (1...count).map { disk(UInt64($0), domain: "d\($0)", storageClass: .flash, path: "/disk\($0)") }
    }

    private func kinds(_ registry: RegistryHarness) -> [RegistryAlarm.Kind] {
        registry.core.alarms(needs: needs, at: registry.now).map(\.kind)
    }

    @Test func tooFewFailureDomainsAndSilentDisks() throws {
        let registry = try RegistryHarness()
        try registry.tick()
        let disks = disks(4)
        #expect(kinds(registry) == [.tooFewFailureDomains])
        try registry.write(registration(disks))
        #expect(kinds(registry).isEmpty)
        // One goes silent.
        for _ in 0..<40 {
            registry.advance(seconds: 10)
            try registry.write(registration(Array(disks.dropLast())))
            try registry.tick()
        }
        #expect(Set(kinds(registry)).isSuperset(of: [.tooFewFailureDomains, .stale]))
        // Whoever took it out of use need not be told that it is silent.
        try registry.write(setFlags(disks[3].id.rawValue, [.noRead, .noWrite], mask: [.noRead, .noWrite]))
        #expect(!kinds(registry).contains(.stale))
    }

    @Test func aDecommissionedDiskWithFilesIsToldAfterADayAndAHalf() throws {
        let registry = try RegistryHarness()
        let disks = disks(5)
        try registry.write(registration(disks))
        try registry.apply(
            registry.core.prepareHasFiles([HasFilesChange(id: disks[0].id, hasFiles: true)], at: registry.now))
        try registry.write(setFlags(disks[0].id.rawValue, .decommissioned, mask: .decommissioned))
        #expect(kinds(registry) == [.unreadableFailureDomain])
        registry.advance(seconds: 36 * 3600 + 1)
        #expect(kinds(registry) == [.unreadableFailureDomain, .undrained])
        try registry.apply(
            registry.core.prepareHasFiles([HasFilesChange(id: disks[0].id, hasFiles: false)], at: registry.now))
        #expect(kinds(registry).isEmpty)
    }

    @Test func twoDisksOfOnePath() throws {
        let registry = try RegistryHarness()
        var disks = disks(5)
        disks[1].path = disks[0].path
        try registry.write(registration(disks))
        #expect(kinds(registry) == [.samePath])
        try registry.write(setFlags(disks[1].id.rawValue, .decommissioned, mask: .decommissioned))
        #expect(!kinds(registry).contains(.samePath))
    }

    @Test func silentShardsAndCoordinator() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disks(4)))
        for shard in 1...3 { try registry.write(registerShard(UInt8(shard), addrs: addrs(UInt32(shard)))) }
        try registry.write(registerCdc(addrs: addrs(9)))
        try registry.tick()
        for _ in 0..<40 {
            registry.advance(seconds: 10)
            try registry.write(registration(disks(4)))
            try registry.write(registerShard(2, addrs: addrs(2)))
            try registry.tick()
        }
        let alarms = registry.core.alarms(needs: needs, at: registry.now)
        #expect(alarms.map(\.kind) == [.silentMetadata, .silentMetadata], "of the shards together, and the coordinator")
        #expect(alarms[0].description.hasPrefix("2 shards do not report any more (1, …)"))
        for shard in [UInt8(1), 3] { try registry.write(registerShard(shard, addrs: addrs(UInt32(shard)))) }
        try registry.write(registerCdc(addrs: addrs(9)))
        #expect(kinds(registry).isEmpty)
    }

    @Test func aRegistryThatWasAwayItselfHearsTheOthersFirst() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disks(4)))
        try registry.write(registerShard(1, addrs: addrs(1)))
        registry.advance(seconds: 3600)
        try registry.tick()
        #expect(kinds(registry).isEmpty)
    }
}

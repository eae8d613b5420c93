import Protocol
import RegistryCore
import Testing

/// Which block services shards may write to (A.8).
@Suite struct AssignmentTests {
    /// `perDomain` disks in each of `domains` failure domains, of each class.
    private func cluster(
        domains: Int, perDomain: Int, classes: [StorageClass] = [.hdd, .flash],
        available: (Int) -> UInt64 = { _ in 1 << 40 }
    ) -> [RegisterBlockServiceInfo] {
        var disks: [RegisterBlockServiceInfo] = []
        for domain in 0..<domains {
            for storageClass in classes {
                for _ in 0..<perDomain {
                    disks.append(
                        disk(
                            UInt64(disks.count + 1), domain: "d\(domain)", storageClass: storageClass,
                            host: UInt32(domain), available: available(disks.count)))
                }
            }
        }
        return disks
    }

    private func uses(_ registry: RegistryHarness) throws -> [UInt64: Int] {
        var uses: [UInt64: Int] = [:]
        for shard in 0...UInt8.max {
            for service in try registry.core.read(
                .shardBlockServices(ShardBlockServicesRequest(shardId: ShardID(rawValue: shard))), at: registry.now
            ).shardBlockServices { uses[service.id.rawValue, default: 0] += 1 }
        }
        return uses
    }

    @Test func eighteenDomainsGiveEveryShardEighteenOfEachClassEvenly() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(cluster(domains: 18, perDomain: 10)))
        for shard in 0...UInt8.max {
            let services = try registry.core.read(
                .shardBlockServices(ShardBlockServicesRequest(shardId: ShardID(rawValue: shard))), at: registry.now
            ).shardBlockServices
            for storageClass in [StorageClass.hdd, .flash] {
                let chosen = services.filter { $0.storageClass == storageClass }
                #expect(chosen.count == 18)
                #expect(Set(chosen.map(\.failureDomain)).count == 18)
            }
        }
        registry.check()
        let uses = try uses(registry)
        #expect(uses.count == 360)
        let most = try #require(uses.values.max())
        let least = try #require(uses.values.min())
        #expect(most < 2 * least)
    }

    @Test(arguments: [1, 2, 6, 13, 40]) func anyNumberOfDomainsIsServed(domains: Int) throws {
        let registry = try RegistryHarness()
        try registry.write(registration(cluster(domains: domains, perDomain: 1, classes: [.flash])))
        for shard in [UInt8(0), 100, 255] {
            #expect(try registry.writable(shard: shard).count == min(28, domains))
        }
        #expect(try uses(registry).count == domains)
    }

    @Test func emptierDisksComeFirst() throws {
        let registry = try RegistryHarness()
        // 40 domains, 28 of which each shard gets: the large ones serve no fewer shards than the small ones.
        try registry.write(
            registration(
                cluster(domains: 40, perDomain: 1, classes: [.hdd]) { UInt64($0 < 20 ? 2 : 1) << 40 }))
        let uses = try uses(registry)
        let large = (1...20).map { uses[UInt64($0)] ?? 0 }.reduce(0, +)
        let small = (21...40).map { uses[UInt64($0)] ?? 0 }.reduce(0, +)
        #expect(large >= small && large + small == 256 * 28)
    }

    @Test func noWriteLeavesAtOnceAndComesBack() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(cluster(domains: 3, perDomain: 1, classes: [.hdd])))
        #expect(try registry.writable(shard: 7).count == 3)
        try registry.write(setFlags(2, .noWrite, mask: .noWrite))
        #expect(try registry.writable(shard: 7).map(\.id.rawValue).sorted() == [1, 3])
        try registry.write(setFlags(2, [], mask: .noWrite))
        #expect(try registry.writable(shard: 7).count == 3)
    }

    @Test func fullDisksDropOut() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disk(1, domain: "a"), disk(2, domain: "b")))
        #expect(try registry.writable(shard: 7).count == 2)
        try registry.write(registration(disk(1, domain: "a", available: 0), disk(2, domain: "b")))
        #expect(try registry.writable(shard: 7).map(\.id.rawValue) == [2])
    }

    @Test func theUseDelayHoldsNewDisksBack() throws {
        let registry = try RegistryHarness(
            RegistryConfiguration(useDelayNanoseconds: 60 * RegistryHarness.second))
        try registry.write(registration(disk(1)))
        registry.advance(seconds: 59)
        #expect(try registry.writable(shard: 0).isEmpty)
        registry.advance(seconds: 1)
        #expect(try registry.writable(shard: 0).count == 1)
    }

    @Test func assignmentsRestUntilSomethingChangesOrHalfAnHourPasses() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(cluster(domains: 40, perDomain: 2, classes: [.hdd])))
        let first = try registry.writable(shard: 0)
        registry.advance(seconds: 60)
        try registry.write(registration(cluster(domains: 40, perDomain: 2, classes: [.hdd])))
        try registry.tick()
        #expect(try registry.writable(shard: 0) == first)
        registry.advance(seconds: 1800)
        #expect(try registry.writable(shard: 0) != first, "chance deals anew")
    }

    @Test func listsStayBelow256WithManyLocations() throws {
        let registry = try RegistryHarness()
        for location in UInt8(1)...5 {
            try registry.write(
                .createLocation(CreateLocationRequest(id: LocationID(rawValue: location), name: [location])))
        }
        var disks: [RegisterBlockServiceInfo] = []
        for location in UInt8(0)...5 {
            for storageClass in [StorageClass.hdd, .flash] {
                for domain in 0..<30 {
                    disks.append(
                        disk(
                            UInt64(disks.count + 1), domain: "d\(domain)", storageClass: storageClass,
                            location: location))
                }
            }
        }
        try registry.write(registration(disks))
        #expect(try registry.writable(shard: 0).count == 12 * 21)
    }

    @Test func theDeprecatedFormListsTheSameIds() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(cluster(domains: 5, perDomain: 2)))
        let ids = try registry.writable(shard: 3).map(\.id)
        #expect(
            try registry.read(
                .shardBlockServicesDeprecated(ShardBlockServicesDeprecatedRequest(shardId: ShardID(rawValue: 3))))
                == .shardBlockServicesDeprecated(ShardBlockServicesDeprecatedResponse(blockServices: ids)))
    }
}

extension AnyRegistryResponse {
    /// The list of a SHARD_BLOCK_SERVICES answer; empty for any other.
    fileprivate var shardBlockServices: [BlockServiceInfoShort] {
        if case .shardBlockServices(let response) = self { response.blockServices } else { [] }
    }
}

import Protocol
import RegistryCore
import Testing

/// Silence and automatic decommissioning (A.7).
@Suite struct StalenessTests {
    private func ticking(_ registry: RegistryHarness, seconds: UInt64) throws {
        for _ in 0..<(seconds / 10) {
            registry.advance(seconds: 10)
            try registry.tick()
        }
    }

    @Test func threeMinutesOfSilenceMakeStaleAndARegistrationClearsIt() throws {
        let registry = try RegistryHarness()
        try registry.tick()
        try ticking(registry, seconds: 300)
        try registry.write(registration(disk(1)))
        try ticking(registry, seconds: 170)
        #expect(try registry.blockService(1).flags == [])
        #expect(try registry.writable(shard: 0).count == 1)
        let before = registry.now
        try ticking(registry, seconds: 20)
        #expect(try registry.blockService(1).flags == .stale)
        #expect(try registry.writable(shard: 0).isEmpty)
        #expect(try registry.changed(since: before).blockServices.map(\.flags) == [.stale])
        registry.advance(seconds: 5)
        let back = registry.now
        try registry.write(registration(disk(1)))
        #expect(try registry.blockService(1).flags == [])
        #expect(try registry.writable(shard: 0).count == 1)
        #expect(try registry.changed(since: back).blockServices.map(\.flags) == [[]])
    }

    @Test func afterARestartNobodyIsStaleForOneDelay() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disk(1)))
        registry.advance(seconds: 100_000)
        try registry.restart()
        try registry.tick()
        try ticking(registry, seconds: 170)
        #expect(try registry.blockService(1).flags == [])
        try ticking(registry, seconds: 10)
        #expect(try registry.blockService(1).flags == .stale)
    }

    @Test func aSleepOfTheMachineIsNoEvidence() throws {
        let registry = try RegistryHarness()
        try registry.tick()
        try ticking(registry, seconds: 200)
        try registry.write(registration(disk(1)))
        registry.advance(seconds: 8 * 3600)
        try registry.tick()
        #expect(try registry.blockService(1).flags == [])
        try ticking(registry, seconds: 180)
        #expect(try registry.blockService(1).flags == .stale)
    }

    @Test func quietTicksMakeNoEntries() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disk(1)))
        let count = registry.entries.count
        try registry.tick()
        try ticking(registry, seconds: 100)
        #expect(registry.entries.count == count)
        try ticking(registry, seconds: 400)
        #expect(registry.entries.count == count + 1, "once stale, nothing more is to be said")
    }

    @Test func automaticDecommissionIsRare() throws {
        let registry = try RegistryHarness()
        try registry.write(registration(disk(1, domain: "a"), disk(2, domain: "a")))
        #expect(try registry.refusal(decommission(9)) == .blockServiceNotFound)
        #expect(try registry.refusal(decommission(1)) == nil)
        #expect(try registry.blockService(1).flags == .decommissioned)
        #expect(try registry.refusal(decommission(1)) == nil, "already done")
        #expect(try registry.refusal(decommission(2)) == .autoDecommissionForbidden)
        registry.advance(seconds: 3601)
        #expect(try registry.refusal(decommission(2)) == nil)
    }

    @Test func automaticDecommissionSparesTheParity() throws {
        let registry = try RegistryHarness()
        let names = ["a", "b", "c", "d"]
        try registry.write(registration(names.indices.map { disk(UInt64($0 + 1), domain: names[$0], blocks: 10) }))
        try registry.write(registration(disk(9, domain: "e")))
        try registry.write(setFlags(9, .noRead, mask: .noRead))
        #expect(try registry.refusal(decommission(1)) == nil, "a domain without files does not count")
        registry.advance(seconds: 3601)
        #expect(try registry.refusal(decommission(2)) == nil)
        registry.advance(seconds: 3601)
        #expect(try registry.refusal(decommission(3)) == .autoDecommissionForbidden, "it would be the third domain")
        #expect(try registry.refusal(setFlags(3, .decommissioned, mask: .decommissioned)) == nil, "people may")
    }

    @Test func aDomainThatIsAlreadyAwayMayLoseMore() throws {
        let registry = try RegistryHarness(
            RegistryConfiguration(rules: RegistryRules(minimumAutoDecommissionIntervalNanoseconds: 0)))
        try registry.write(
            registration(
                disk(1, domain: "a", blocks: 1), disk(2, domain: "a", blocks: 1), disk(3, domain: "b", blocks: 1)))
        #expect(try registry.refusal(decommission(1)) == nil)
        #expect(try registry.refusal(decommission(3)) == nil)
        #expect(try registry.refusal(decommission(2)) == nil)
    }
}

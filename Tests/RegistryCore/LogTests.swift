import Protocol
import RegistryCore
import Store
import Testing

/// The log: determinism, restarts, hostile entries.
@Suite struct LogTests {
    /// A small life of a registry.
    private func busy() throws -> RegistryHarness {
        let registry = try RegistryHarness()
        try registry.tick()
        try registry.write(registerShard(1, addrs: addrs(1)))
        try registry.write(registerCdc(addrs: addrs(2)))
        try registry.write(registration(disk(1), disk(2, domain: "b"), disk(3, domain: "c")))
        try registry.write(setFlags(1, .noWrite, mask: .noWrite))
        try registry.write(.createLocation(CreateLocationRequest(id: LocationID(rawValue: 2), name: [65])))
        try registry.write(decommission(2))
        for _ in 0..<30 {
            registry.advance(seconds: 10)
            try registry.tick()
        }
        return registry
    }

    @Test func replayingTheLogGivesTheSameState() throws {
        let registry = try busy()
        let replica = MemoryStore()
        // Another replica, started with other rules: the entries decide, not its options.
        let other = try RegistryCore(
            store: replica, prefix: [7],
            configuration: RegistryConfiguration(
                rules: RegistryRules(enforceStableIP: true, enforceStableLeader: true)))
        for (index, entry) in registry.entries.enumerated() {
            try other.apply(entry, at: LogIndex(rawValue: UInt64(index + 1)))
        }
        #expect(other.appliedIndex == registry.core.appliedIndex)
        #expect(contents(of: replica) == contents(of: registry.store))
    }

    @Test func aCrashAndAReplayGiveTheSameState() throws {
        let registry = try busy()
        let before = contents(of: registry.store)
        registry.store.crash()
        let core = try RegistryCore(store: registry.store, prefix: [7], configuration: RegistryConfiguration())
        #expect(core.appliedIndex == .zero)
        for (index, entry) in registry.entries.enumerated() where UInt64(index + 1) > core.appliedIndex.rawValue {
            try core.apply(entry, at: LogIndex(rawValue: UInt64(index + 1)))
        }
        #expect(contents(of: registry.store) == before)
    }

    @Test func entryTimesRiseEvenWhenTheClockDoesNot() throws {
        let registry = try RegistryHarness()
        try registry.write(registerShard(1, addrs: addrs(1)))
        let first = try registry.localShards()[1].lastSeen
        registry.now = Timestamp(nanoseconds: 5)
        try registry.write(registerShard(1, addrs: addrs(1)))
        #expect(try registry.localShards()[1].lastSeen > first)
        try registry.write(registration(disk(1)))
        #expect(try registry.writable(shard: 0).count == 1, "a clock behind the log does not hide disks")
    }

    @Test func readsAreNotPrepared() throws {
        let registry = try RegistryHarness()
        #expect(throws: ProtocolError.unrecognizedRequest) {
            try registry.core.prepare(.localShards(LocalShardsRequest()), at: registry.now)
        }
        #expect(throws: ProtocolError.unrecognizedRequest) {
            try registry.core.read(registration(disk(1)), at: registry.now)
        }
    }

    @Test func entriesInDisorderStopTheReplica() throws {
        let registry = try RegistryHarness()
        let entry = try registry.core.prepare(registration(disk(1)), at: registry.now)[0]
        try registry.core.apply(entry, at: LogIndex(rawValue: 4))
        #expect(throws: RegistryCoreError.self) { try registry.core.apply(entry, at: LogIndex(rawValue: 4)) }
        #expect(throws: RegistryCoreError.self) { try registry.core.apply(entry, at: LogIndex(rawValue: 3)) }
    }

    @Test func entriesOfTheFutureStopTheReplica() throws {
        let registry = try RegistryHarness()
        var entry = try registry.core.prepare(registration(disk(1)), at: registry.now)[0]
        entry[1] = 0xEE
        #expect(throws: RegistryCoreError.self) { try registry.core.apply(entry, at: LogIndex(rawValue: 1)) }
        entry[0] = 2
        #expect(throws: RegistryCoreError.self) { try registry.core.apply(entry, at: LogIndex(rawValue: 1)) }
        #expect(registry.core.appliedIndex == .zero)
    }

    @Test func damagedEntriesNeverTrap() throws {
        var random = SystemRandomNumberGenerator()
        for valid in try busy().entries {
            for length in 0..<valid.count {
                #expect(throws: RegistryCoreError.self) {
                    try RegistryHarness().core.apply(Array(valid.prefix(length)), at: LogIndex(rawValue: 1))
                }
            }
            let registry = try RegistryHarness()
            for round in 0..<200 {
                var entry = valid
                let place = Int.random(in: entry.indices, using: &random)
                entry[place] = UInt8.random(in: 0...255, using: &random)
                // Refused or carried out: both are right, trapping or breaking an invariant is not.
                do { try registry.core.apply(entry, at: LogIndex(rawValue: UInt64(round + 1))) } catch {}
            }
            registry.check()
        }
    }

    @Test func aFailingStoreStopsTheReplica() throws {
        let registry = try RegistryHarness()
        let entry = try registry.core.prepare(registration(disk(1)), at: registry.now)[0]
        registry.store.setWriteFault(.noSpace("test"))
        #expect(throws: RegistryCoreError.self) { try registry.core.apply(entry, at: LogIndex(rawValue: 1)) }
    }

    @Test func foreignRowsAreReportedNotTrusted() throws {
        let store = MemoryStore()
        var batch = WriteBatch()
        batch.put([7, 3, 1], [1, 2, 3])
        try store.write(batch, durable: false)
        #expect(throws: RegistryCoreError.self) {
            try RegistryCore(store: store, prefix: [7], configuration: RegistryConfiguration())
        }
    }

    private func contents(of store: MemoryStore) -> [[UInt8]] {
        var rows: [[UInt8]] = []
        let iterator = store.iterator(from: [], upTo: nil)
        iterator.seekToFirst()
        while iterator.isValid {
            rows.append(iterator.key + iterator.value)
            iterator.next()
        }
        return rows
    }
}

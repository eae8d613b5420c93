import Protocol
import ShardCore
import Store
import TestSupport
import Testing

/// Determinism and restarts: metadata.md C.3, S22, T1.
@Suite("Replay and restart")
struct RecoveryTests {
    /// A shard that has been through a bit of everything.
    private func busy(steps: Int, seed: UInt64) throws -> ShardFixture {
        let shard = try ShardFixture(checksInvariants: false)
        var random = SeededGenerator(seed: seed)
        var hostile = RequestGenerator(seed: seed)
        for step in 0..<steps {
            if random.chance(30) {
                try shard.makeFile("name\(step % 17)")
            } else if random.chance(20) {
                let file = try shard.construct()
                _ = try shard.addSpan(file, salt: UInt32(step))
            } else {
                _ = try shard.reply(hostile.request(shard))
            }
        }
        return shard
    }

    /// Without those that only nonsense in the coordinator's name can break (HostileTests).
    private func brokenRules(of core: ShardCore) throws -> [InvariantViolation] {
        try core.invariantViolations().filter { ![.s11, .s12, .s6].contains($0.rule) }
    }

    @Test("another replica ends up byte for byte the same, knowing no block service")
    func replay() throws {
        let shard = try busy(steps: 300, seed: 5)
        let store = MemoryStore()
        let replica = try ShardCore(
            store: store, shard: shard.shard, location: LocationID(rawValue: 9), transientLifetimeNanoseconds: 1)
        for (index, entry) in shard.log.enumerated() {
            _ = try entry.withUnsafeBytes { try replica.apply(encoded: $0, at: LogIndex(rawValue: UInt64(index + 1))) }
        }
        #expect(store.contents == shard.store.contents)
        #expect(try brokenRules(of: replica) == [])
    }

    @Test("a core opened in the middle goes on as if nothing had happened")
    func restart() throws {
        let shard = try busy(steps: 300, seed: 6)
        let store = MemoryStore()
        var replica = try ShardCore(store: store, shard: shard.shard)
        for (index, entry) in shard.log.enumerated() {
            if index % 7 == 0 { replica = try ShardCore(store: store, shard: shard.shard) }
            #expect(replica.appliedIndex == LogIndex(rawValue: UInt64(index)))
            _ = try entry.withUnsafeBytes { try replica.apply(encoded: $0, at: LogIndex(rawValue: UInt64(index + 1))) }
        }
        #expect(store.contents == shard.store.contents)
    }

    @Test("what the store lost is replayed from the log")
    func crash() throws {
        let shard = try busy(steps: 200, seed: 7)
        let store = MemoryStore(writeAheadLog: false)
        var replica = try ShardCore(store: store, shard: shard.shard)
        func apply(_ entry: [UInt8]) throws {
            let index = replica.appliedIndex.next
            _ = try entry.withUnsafeBytes { try replica.apply(encoded: $0, at: index) }
        }
        for (index, entry) in shard.log.enumerated() {
            try apply(entry)
            if index == shard.log.count / 2 { try store.flush() }
        }
        store.crash()
        replica = try ShardCore(store: store, shard: shard.shard)
        #expect(replica.appliedIndex == LogIndex(rawValue: UInt64(shard.log.count / 2 + 1)))
        for entry in shard.log[Int(replica.appliedIndex.rawValue)...] { try apply(entry) }
        #expect(store.contents == shard.store.contents)
    }

    @Test("shards share a store without seeing each other")
    func sharedStore() throws {
        let store = MemoryStore()
        let zero = try ShardFixture(shard: 0, store: store)
        let one = try ShardFixture(shard: 1, store: store)
        let last = try ShardFixture(shard: 255, store: store)
        try zero.makeFile("foo")
        let directory = InodeID(type: .directory, shard: one.shard, index: 1)
        try one.call(CreateDirectoryInodeRequest(id: directory, ownerId: .root, info: DirectoryInfo(entries: [])))
        try one.makeFile("bar", in: directory)
        _ = try last.addSpan(try last.construct())
        for shard in [zero, one, last] { shard.expectInvariants() }
        #expect(try zero.call(VisitFilesRequest(beginId: .null, mtu: 0)).ids.count == 1)
        #expect(try last.call(VisitFilesRequest(beginId: .null, mtu: 0)).ids.isEmpty)
    }

    @Test("entries come in order, and unknown ones stop the replica")
    func wrongEntries() throws {
        let shard = try ShardFixture()
        let entry = try shard.core.prepare(.constructFile(ConstructFileRequest(type: .file, note: [])), at: shard.now)
        let expected = shard.core.appliedIndex.next
        for wrong in [LogIndex.zero, shard.core.appliedIndex, expected.next] {
            #expect(throws: ShardStateError.wrongIndex(expected: expected, got: wrong)) {
                try shard.core.apply(entry, at: wrong)
            }
        }
        var bytes = try entry.encoded()
        func apply() throws { _ = try bytes.withUnsafeBytes { try shard.core.apply(encoded: $0, at: expected) } }
        for version in [0, 5] as [UInt8] {
            bytes[0] = version
            #expect(throws: ShardStateError.unknownEntry) { try apply() }
        }
        bytes[0] = 3
        bytes[1] = 77
        #expect(throws: ShardStateError.unknownEntry) { try apply() }
        #expect(throws: ShardStateError.unknownEntry) {
            _ = try UnsafeRawBufferPointer(start: nil, count: 0).asEntry(shard.core)
        }
        // Nothing of that counts.
        #expect(shard.core.appliedIndex.next == expected)
        bytes[1] = 2
        try apply()
        #expect(shard.core.appliedIndex == expected)
    }

    @Test("a store that fails stops the replica and leaves the core unchanged")
    func failingStore() throws {
        let store = MemoryStore()
        let shard = try ShardFixture(store: store)
        try shard.makeFile("foo")
        let before = store.contents
        let file = try shard.core.prepare(.constructFile(ConstructFileRequest(type: .file, note: [])), at: shard.tick())
        store.setWriteFault(.noSpace("full"))
        #expect(throws: ShardStateError.store(.noSpace("full"))) {
            try shard.core.apply(file, at: shard.core.appliedIndex.next)
        }
        store.setWriteFault(nil)
        #expect(store.contents == before)
        shard.expectInvariants()
        try shard.makeFile("bar")
    }

    @Test("a small cache changes nothing")
    func smallCache() throws {
        let shard = try busy(steps: 300, seed: 8)
        let store = MemoryStore()
        let budget = ShardCacheBudget(limitBytes: 1)
        do {
            let replica = try ShardCore(store: store, shard: shard.shard, cacheBudget: budget)
            for (index, entry) in shard.log.enumerated() {
                _ = try entry.withUnsafeBytes {
                    try replica.apply(encoded: $0, at: LogIndex(rawValue: UInt64(index + 1)))
                }
            }
            #expect(store.contents == shard.store.contents)
            #expect(try brokenRules(of: replica) == [])
            #expect(budget.usedBytes < 64 << 10)
        }
        #expect(budget.usedBytes == 0)
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func asEntry(_ core: ShardCore) throws -> ShardReply {
        try core.apply(encoded: self, at: core.appliedIndex.next)
    }
}

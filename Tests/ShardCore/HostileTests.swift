import Protocol
import ShardCore
import TestSupport
import Testing

/// Nothing that a client or a log can hold makes a shard trap or contradict itself.
@Suite("Hostile requests")
struct HostileTests {
    @Test("requests of every kind with arbitrary fields", arguments: [1, 2, 3, 4] as [UInt64])
    func arbitraryRequests(seed: UInt64) throws {
        let shard = try ShardFixture(checksInvariants: false)
        for index in 0..<10 { try shard.makeFile("name\(index)") }
        for index in 1...4 { try shard.makeDirectory("directory\(index)", index: UInt64(index)) }
        let open = try shard.construct()
        _ = try shard.call(shard.newSpan(open))
        var generator = RequestGenerator(seed: seed)
        for step in 0..<1500 {
            let request = generator.request(shard)
            _ = try shard.reply(request, isPrivileged: step % 2 == 0)
        }
        // The coordinator's requests do as they are told, so only what no request may break is expected to hold.
        let violations = try shard.core.invariantViolations().filter { ![.s11, .s12, .s6].contains($0.rule) }
        #expect(violations == [])
    }

    @Test("write requests that went to the log without being checked", arguments: [11, 12, 13] as [UInt64])
    func uncheckedEntries(seed: UInt64) throws {
        let shard = try ShardFixture(checksInvariants: false)
        for index in 0..<10 { try shard.makeFile("name\(index)") }
        var generator = RequestGenerator(seed: seed)
        for _ in 0..<1500 {
            let request = generator.request(shard)
            let entry = ShardLogEntry(
                time: shard.tick(), transientLifetimeNanoseconds: .max, action: .request(request))
            let before = shard.core.appliedIndex
            _ = try shard.apply(entry)
            #expect(shard.core.appliedIndex == before.next)
        }
    }

    @Test("log entries of arbitrary bytes")
    func arbitraryEntries() throws {
        let shard = try ShardFixture(checksInvariants: false)
        try shard.makeFile("foo")
        let filled = try shard.construct().filled(by: shard)
        shard.tick(seconds: 2 * 3600)
        try shard.removeLastSpan(filled)
        var random = SeededGenerator(seed: 77)
        var unknown = 0
        for _ in 0..<3000 {
            var bytes = random.pick(shard.log)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
            let next = shard.core.appliedIndex.next
            do {
                _ = try bytes.withUnsafeBytes { try shard.core.apply(encoded: $0, at: next) }
            } catch ShardStateError.unknownEntry {
                unknown += 1
                #expect(shard.core.appliedIndex.next == next)
            }
        }
        #expect(unknown > 0)
    }

    @Test("privileged requests in plain packets are refused before they get anywhere")
    func privileges() throws {
        let shard = try ShardFixture()
        let before = shard.core.appliedIndex
        var generator = RequestGenerator(seed: 99)
        for _ in 0..<500 {
            let request = generator.request(shard)
            guard request.kind.isPrivileged else { continue }
            #expect(try shard.reply(request, isPrivileged: false) == .failure(.notAuthorised))
        }
        #expect(shard.core.appliedIndex == before)
    }

    @Test("reading is not writing, and a snapshot is not an entry")
    func wrongSide() throws {
        let shard = try ShardFixture()
        let lookup = AnyShardRequest.lookup(LookupRequest(dirId: .root, name: [1]))
        #expect(throws: ShardFailure.refused(.unrecognizedRequest)) { try shard.core.prepare(lookup, at: shard.now) }
        let snapshot = AnyShardRequest.shardSnapshot(ShardSnapshotRequest(snapshotId: 1))
        #expect(throws: ShardFailure.refused(.unrecognizedRequest)) { try shard.core.prepare(snapshot, at: shard.now) }
        #expect(throws: ShardFailure.refused(.unrecognizedRequest)) { try shard.core.read(snapshot) }
    }

    @Test("bodies that do not decode are told from refusals")
    func undecodable() throws {
        let shard = try ShardFixture()
        let kinds: [ShardKind] = [.lookup, .statFile, .statDirectory, .readDir, .fullReadDir]
        var buffer = [UInt8](repeating: 0, count: 8972)
        for kind in kinds {
            for body in [[], [1, 2, 3], [UInt8](repeating: 0, count: 300)] as [[UInt8]] {
                let outcome = buffer.withUnsafeMutableBytes { buffer -> ShardFailure? in
                    body.withUnsafeBytes { body in
                        var writer = WireWriter(buffer)
                        do throws(ShardFailure) {
                            try shard.core.read(kind, body, into: &writer)
                            return nil
                        } catch {
                            return error
                        }
                    }
                }
                guard case .undecodable = outcome else {
                    Issue.record("\(kind) of \(body.count) bytes: \(String(describing: outcome))")
                    continue
                }
            }
        }
    }
}

extension ShardFixture.OpenFile {
    fileprivate func filled(by shard: ShardFixture) throws -> Self {
        try shard.addSpan(self)
        return self
    }
}

import Protocol
import ShardCore
import Store
import TestSupport
import Testing

/// F-1: a copy of a request, however late, changes nothing.
@Suite("F-1: copies that come late")
struct RepetitionTests {
    @Test(
        "F-1: every request of the coordinator again after each later step, by number",
        arguments: [0, 1, 5, .max] as [UInt64])
    func numbered(lag: UInt64) throws {
        let life = try Life { number, request in
            Packet(request: try .once(request, number, closed: number > lag ? number - 1 - lag : 0))
        }
        try life.run()
        #expect(life.delivered > 30)
        try life.expectSameAfterReplay()
    }

    @Test("F-1: every request of a coordinator that knows no numbers again after each later step")
    func plain() throws {
        let life = try Life { number, request in Packet(request: request, requestID: 1000 + number) }
        try life.run()
        try life.expectSameAfterReplay()
    }

    @Test("F-1: the same with a restart before every packet", arguments: [true, false])
    func restarts(isNumbered: Bool) throws {
        let life = try Life { number, request in
            isNumbered
                ? Packet(request: try .once(request, number, closed: number / 2))
                : Packet(request: request, requestID: number)
        }
        life.restarts = true
        try life.run()
        try life.expectSameAfterReplay()
    }

    @Test("F-1: a newer leader shuts out the older one, by its first request or by asking for nothing else")
    func fencing() throws {
        let shard = try ShardFixture()
        let new: UInt64 = 1 << 32
        let directory = InodeID(type: .directory, shard: shard.shard, index: 9)
        let create = CreateDirectoryInodeRequest(id: directory, ownerId: .root, info: DirectoryInfo(entries: []))
        let lock = CreateLockedCurrentEdgeRequest(
            dirId: .root, name: "n".bytes, targetId: directory, oldCreationTime: .zero)
        #expect(try shard.once(create, 7, closed: 3) == .success(create.erased.kind))
        #expect(try shard.once(create, 7, closed: 3) == .success(create.erased.kind))
        try shard.call(CloseSequencesRequest(through: new - 1))
        #expect(try shard.once(lock, 8, closed: 3) == .failure(.requestIsStale))
        #expect(try shard.once(create, 7, closed: 3) == .failure(.requestIsStale))
        // A fence of the older leader that comes late opens nothing.
        try shard.call(CloseSequencesRequest(through: 5))
        #expect(try shard.once(lock, 8, closed: 3) == .failure(.requestIsStale))
        #expect(try shard.once(lock, new, closed: new - 1) == .success(lock.erased.kind))
        #expect(try shard.once(create, 2 * new, closed: 2 * new - 1) == .success(create.erased.kind))
        #expect(try shard.once(lock, new + 1, closed: new - 1) == .failure(.requestIsStale))
    }

    @Test("F-1: what was refused when carried out stays refused; what was refused before may come again")
    func refusals() throws {
        let shard = try ShardFixture()
        let file = try shard.construct()
        let time = Timestamp(nanoseconds: shard.now.nanoseconds + 100 * ShardFixture.second)
        let lock = LockCurrentEdgeRequest(dirId: .root, targetId: file.id, creationTime: time, name: "foo".bytes)
        #expect(try shard.once(lock, 1, closed: 0) == .failure(.edgeNotFound))
        #expect(try shard.reply(.lockCurrentEdge(lock), requestID: 77).failure == .edgeNotFound)
        // Now there is such an edge.
        shard.now = Timestamp(nanoseconds: time.nanoseconds - ShardFixture.second)
        #expect(try shard.link(file, "foo") == time)
        #expect(try shard.once(lock, 1, closed: 0) == .failure(.edgeNotFound))
        #expect(try shard.reply(.lockCurrentEdge(lock), requestID: 77).failure == .edgeNotFound)
        let bad = CreateLockedCurrentEdgeRequest(dirId: .root, name: [], targetId: file.id, oldCreationTime: .zero)
        #expect(try shard.once(bad, 2, closed: 0) == .failure(.badName))
        let good = CreateLockedCurrentEdgeRequest(
            dirId: .root, name: "bar".bytes, targetId: file.id, oldCreationTime: .zero)
        #expect(try shard.once(good, 2, closed: 0) == .success(.createLockedCurrentEdge))
    }

    @Test("numbers that no coordinator can have reached close nothing")
    func window() throws {
        let shard = try ShardFixture()
        let directory = InodeID(type: .directory, shard: shard.shard, index: 9)
        let create = CreateDirectoryInodeRequest(id: directory, ownerId: .root, info: DirectoryInfo(entries: []))
        for number in [1 << 48 + 1, 1 << 61, 1 << 62] as [UInt64] {
            try shard.expect(.malformedRequest, CloseSequencesRequest(through: number))
            #expect(try shard.once(create, number, closed: number - 1) == .failure(.malformedRequest))
            #expect(try shard.once(create, number, closed: 0) == .failure(.malformedRequest))
        }
        #expect(try shard.once(create, 7, closed: 3) == .success(create.erased.kind))
        // The window moves along.
        try shard.call(CloseSequencesRequest(through: 1 << 48))
        try shard.expect(.malformedRequest, CloseSequencesRequest(through: 3 << 48))
        try shard.call(CloseSequencesRequest(through: 2 << 48))
    }

    @Test("F-1: hostile envelopes change nothing")
    func hostileEnvelopes() throws {
        let shard = try ShardFixture()
        let remove = try RemoveInodeRequest(id: InodeID(type: .directory, shard: shard.shard, index: 5)).encoded()
        let kind = ShardKind.removeInode.rawValue
        var envelopes = [
            ExecuteOnceRequest(sequence: 0, closed: 0, kind: kind, body: remove),
            ExecuteOnceRequest(sequence: .max, closed: 0, kind: kind, body: remove),
            ExecuteOnceRequest(sequence: .max, closed: .max - 1, kind: kind, body: remove),
            ExecuteOnceRequest(sequence: 1 << 62 + 1, closed: 0, kind: kind, body: remove),
            ExecuteOnceRequest(sequence: 5, closed: 5, kind: kind, body: remove),
            ExecuteOnceRequest(sequence: 5, closed: .max, kind: kind, body: remove),
            ExecuteOnceRequest(sequence: 5, closed: 0, kind: kind, body: remove + [0]),
            ExecuteOnceRequest(sequence: 5, closed: 0, kind: kind, body: []),
        ]
        let lock = try ExecuteOnceRequest(sequence: 5, closed: 0, kind: kind, body: remove).encoded()
        for other in UInt8.min...UInt8.max {
            if let kind = ShardKind(rawValue: other), kind.isPrivileged || kind == .removeInode,
                kind != .executeOnce, kind != .closeSequences
            {
                continue
            }
            // Reads, what clients write, snapshots, envelopes in envelopes, and what is no kind at all.
            envelopes.append(ExecuteOnceRequest(sequence: 5, closed: 0, kind: other, body: remove))
            envelopes.append(ExecuteOnceRequest(sequence: 5, closed: 0, kind: other, body: lock))
        }
        let before = shard.core.appliedIndex
        for envelope in envelopes { try shard.expect(.malformedRequest, envelope) }
        try shard.expect(.malformedRequest, CloseSequencesRequest(through: .max))
        let good = ExecuteOnceRequest(sequence: 5, closed: 0, kind: kind, body: remove)
        try shard.expect(.notAuthorised, good, isPrivileged: false)
        try shard.expect(.notAuthorised, CloseSequencesRequest(through: 1), isPrivileged: false)
        #expect(shard.core.appliedIndex == before)
        #expect(try shard.call(good).kind == kind)
    }

    @Test("F-1: guards of any numbers in the log", arguments: [1, 2, 3] as [UInt64])
    func uncheckedGuards(seed: UInt64) throws {
        let shard = try ShardFixture(checksInvariants: false)
        var random = SeededGenerator(seed: seed)
        var generator = RequestGenerator(seed: seed)
        for step in 0..<2000 {
            let numbers = [0, 1, UInt64(step), 1 << 62, .max, UInt64.random(in: 0...30, using: &random)]
            let repetition = RepetitionGuard.sequence(random.pick(numbers), closed: random.pick(numbers))
            _ = try shard.apply(
                ShardLogEntry(
                    time: shard.tick(), transientLifetimeNanoseconds: 1,
                    repetition: random.chance(80) ? repetition : nil, action: .request(generator.request(shard))))
        }
        #expect(try shard.core.invariantViolations().filter { $0.rule == .c } == [])
    }

    @Test("F-1: entries and records of the version before numbers are still read")
    func earlierVersion() throws {
        let shard = try ShardFixture()
        var entry = try shard.core.prepare(.constructFile(ConstructFileRequest(type: .file, note: [])), at: shard.now)
        (entry.clock, entry.minimumHistoryAgeNanoseconds) = (nil, 0)
        var bytes = try entry.encoded()
        bytes[0] = 1
        bytes.remove(at: 18)
        #expect(try ShardLogEntry(decoding: bytes) == entry)
    }
}

/// A packet as the network may deliver it any number of times.
struct Packet {
    var request: AnyShardRequest
    var requestID: UInt64?
}

extension AnyShardRequest {
    static func once(_ request: AnyShardRequest, _ sequence: UInt64, closed: UInt64) throws -> AnyShardRequest {
        let body = try encodedBytes(capacity: request.encodedSize) { writer throws(EncodeError) in
            try request.encode(into: &writer)
        }
        return .executeOnce(
            ExecuteOnceRequest(sequence: sequence, closed: closed, kind: request.kind.rawValue, body: body))
    }
}

extension Result where Success == AnyShardResponse, Failure == ProtocolError {
    /// The answer in the envelope, if there is one.
    var opened: Result<AnyShardResponse, ProtocolError> {
        guard case .success(.executeOnce(let response)) = self else { return self }
        return response.body.withUnsafeBytes { raw in
            if response.kind == 0 { return .failure((try? ProtocolError(decoding: raw)) ?? .malformedResponse) }
            guard let inner = try? AnyShardResponse.decode(kind: response.kind, body: raw) else {
                return .failure(.malformedResponse)
            }
            return .success(inner)
        }
    }

    var failure: ProtocolError? {
        if case .failure(let error) = self { return error }
        return nil
    }
}

extension ShardFixture {
    /// The kind answered to a request in an envelope.
    func once(
        _ request: some ShardRPC, _ sequence: UInt64, closed: UInt64
    ) throws -> Result<ShardKind, ProtocolError> {
        try reply(.once(request.erased, sequence, closed: closed)).opened.map(\.kind)
    }

    /// Every record but the progress, which says how many entries were applied.
    var namespace: [[UInt8]] {
        let iterator = store.iterator(from: [], upTo: nil)
        iterator.seekToFirst()
        var records: [[UInt8]] = []
        while iterator.isValid {
            if iterator.key[1...] != [1, 2] { records += [iterator.key, iterator.value] }
            iterator.next()
        }
        return records
    }
}

import Protocol
import ShardCore
import Store
import Testing

/// Prints what the commonest operations cost, to be compared between revisions by whoever changes them; run it in
/// release mode: `swift test -c release --filter ShardCoreTests.CostTests`. Expects nothing of the speed.
@Suite("Cost of operations")
struct CostTests {
    private let rounds = 20_000

    private func nanosecondsPerRound(_ rounds: Int, _ body: (Int) throws -> Void) rethrows -> Int {
        let clock = ContinuousClock()
        let start = clock.now
        for round in 0..<rounds { try body(round) }
        let elapsed = clock.now - start
        let (seconds, attoseconds) = elapsed.components
        return Int((seconds * 1_000_000_000 + attoseconds / 1_000_000_000) / Int64(rounds))
    }

    @Test("reads from known records, and making files")
    func costs() throws {
        let core = try ShardCore(store: MemoryStore(), shard: ShardID(rawValue: 0))
        try begin(core)
        var files: [ConstructFileResponse] = []
        let construct = try nanosecondsPerRound(rounds) { round in
            files.append(try makeFile(core, round))
        }
        print("construct + prepare, encode, apply: \(construct) ns")
        let link = try nanosecondsPerRound(rounds) { round in try linkFile(core, files[round], round) }
        print("link + prepare, encode, apply: \(link) ns")
        try printReads(core, files.map(\.id))
        #expect(core.appliedIndex.rawValue == UInt64(2 * rounds + 1))
    }

    private func begin(_ core: ShardCore) throws {
        let genesis = ShardGenesis(
            cookieKey: SecretKey(low: 1, high: 2), rootInfo: try DirectoryInfo.sternaRootDefault())
        _ = try core.apply(core.prepareGenesis(genesis, at: Timestamp(nanoseconds: 1)), at: core.appliedIndex.next)
    }

    private func carryOut(_ core: ShardCore, _ request: AnyShardRequest) throws -> AnyShardResponse? {
        let entry = try core.prepare(request, at: Timestamp(nanoseconds: 2))
        let bytes = try entry.encoded()
        #expect(!bytes.isEmpty)
        guard case .response(let response) = try core.apply(entry, at: core.appliedIndex.next) else { return nil }
        return response
    }

    private func makeFile(_ core: ShardCore, _ index: Int) throws -> ConstructFileResponse {
        let response = try carryOut(core, ConstructFileRequest(type: .file, note: name(index)).erased)
        return try #require(response.flatMap(ConstructFileRequest.response(in:)))
    }

    private func linkFile(_ core: ShardCore, _ file: ConstructFileResponse, _ index: Int) throws {
        let request = LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: name(index))
        _ = try #require(try carryOut(core, request.erased))
    }

    private func name(_ index: Int) -> [UInt8] { "file-\(index)".bytes }

    private func printReads(_ core: ShardCore, _ files: [InodeID]) throws {
        let lookups = try files.indices.map { try LookupRequest(dirId: .root, name: name($0)).encoded() }
        let stats = try files.map { try StatFileRequest(id: $0).encoded() }
        let root = [try StatDirectoryRequest(id: .root).encoded()]
        for (kind, bodies) in [(ShardKind.lookup, lookups), (.statFile, stats), (.statDirectory, root)] {
            var buffer = [UInt8](repeating: 0, count: 8972)
            var failures = 0
            let cost = buffer.withUnsafeMutableBytes { buffer in
                nanosecondsPerRound(rounds * 10) { round in
                    bodies[round % bodies.count].withUnsafeBytes { body in
                        var writer = WireWriter(buffer)
                        do { try core.read(kind, body, into: &writer) } catch { failures += 1 }
                    }
                }
            }
            #expect(failures == 0)
            print("\(kind) from datagram to datagram: \(cost) ns")
        }
    }
}

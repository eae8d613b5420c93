import Client
import Protocol
import ShardCore
import Simulator
import Store
import Synchronization
import Testing

/// Listings get past any number of names of one hash.
@Suite struct HashGroupListingTests {
    /// A shard in memory whose answers may be as other servers give them.
    private final class Shard: ShardCalls {
        enum Habit { case sterna, reference, circling }

        private let core: Mutex<ShardCore>
        private let time = Atomic<UInt64>(1_700_000_000_000_000_000)
        let habit: Habit

        init(_ habit: Habit) throws {
            self.habit = habit
            let core = try ShardCore(store: MemoryStore(), shard: ShardID(rawValue: 0))
            let genesis = ShardGenesis(
                cookieKey: SecretKey(low: 1, high: 2), rootInfo: try DirectoryInfo.sternaRootDefault())
            _ = try core.apply(
                core.prepareGenesis(genesis, at: Timestamp(nanoseconds: 1)), at: core.appliedIndex.next)
            self.core = Mutex(core)
        }

        /// Makes a file, as many names of its hash as there may be.
        func make(_ name: [UInt8]) throws {
            let construct = ConstructFileRequest(type: .file, note: [])
            let file = try #require(ConstructFileRequest.response(in: try write(construct.erased)))
            let link = LinkFileRequest(fileId: file.id, cookie: file.cookie, ownerId: .root, name: name)
            _ = try write(link.erased)
        }

        private func write(_ request: AnyShardRequest) throws -> AnyShardResponse {
            let now = Timestamp(nanoseconds: time.add(1, ordering: .relaxed).newValue)
            return try core.withLock { core in
                var entry = try core.prepare(request, at: now)
                (entry.clock, entry.minimumHistoryAgeNanoseconds) = (nil, 0)
                guard case .response(let response) = try core.apply(entry, at: core.appliedIndex.next) else {
                    throw ClientError(.unavailable, "a write")
                }
                return response
            }
        }

        func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response {
            let answer = core.withLock { core in try? core.read(request.erased) }
            guard let answer else { throw ClientError(.unavailable, "a read") }
            guard let response = R.response(in: changed(answer, to: request.erased)) else {
                throw ClientError(.malformedAnswer, "a read")
            }
            return response
        }

        private func changed(_ answer: AnyShardResponse, to request: AnyShardRequest) -> AnyShardResponse {
            guard case .readDir(var page) = answer, case .readDir(let request) = request else { return answer }
            switch habit {
            case .sterna: break
            case .circling: page.nextHash = request.startHash
            case .reference:
                // Never some of a hash: then rather none.
                guard let last = page.results.last, page.nextHash.rawValue == last.nameHash.rawValue + 1 else { break }
                page = ReadDirResponse(nextHash: last.nameHash, results: [])
            }
            return .readDir(page)
        }
    }

    private func list(_ shard: Shard, from hash: NameHash = .zero, _ bytes: UInt16) async throws -> [CurrentEdge] {
        var names: [CurrentEdge] = []
        var next: ListingPlace? = ListingPlace(from: hash)
        var pages = 0
        while let place = next {
            let page = try await shard.readDirectoryPage(.root, from: place, datagramBytes: bytes)
            names += page.names
            next = page.next
            pages += 1
            try #require(pages < 1000)
        }
        return names
    }

    private static func ordinary(_ number: Int) -> [UInt8] { Array("ordinary \(number)".utf8) }

    @Test(arguments: [Shard.Habit.sterna, .reference], [1472, 8972] as [UInt16])
    private func eachNameOnceInOrder(_ habit: Shard.Habit, _ bytes: UInt16) async throws {
        let shard = try Shard(habit)
        let names = (0..<300).map(CollidingNames.name) + (0..<60).map(Self.ordinary)
        for name in names { try shard.make(name) }
        let listed = try await list(shard, bytes)
        #expect(listed.count == names.count && Set(listed.map(\.name)) == Set(names))
        #expect(listed.map(\.nameHash) == listed.map(\.nameHash).sorted())
        // From the middle, where no name is known yet.
        let hash = NameHash(of: CollidingNames.name(0))
        let rest = try await list(shard, from: hash, bytes)
        #expect(rest == listed.filter { $0.nameHash >= hash })
        let behind = try await list(shard, from: NameHash(rawValue: hash.rawValue + 1), bytes)
        #expect(behind == listed.filter { $0.nameHash > hash })
    }

    @Test(arguments: [Shard.Habit.sterna, .reference])
    private func aDirectoryOfNothingElse(_ habit: Shard.Habit) async throws {
        let shard = try Shard(habit)
        for number in 0..<200 { try shard.make(CollidingNames.name(number)) }
        #expect(try await list(shard, 1472).map(\.name) == (0..<200).map(CollidingNames.name))
    }

    @Test func aServerThatDoesNotAdvanceIsFoundOut() async throws {
        let shard = try Shard(.circling)
        for number in 0..<3 { try shard.make(Self.ordinary(number)) }
        let lowest = try #require((0..<3).map { NameHash(of: Self.ordinary($0)) }.min())
        await #expect(throws: ClientError.self) {
            _ = try await shard.readDirectoryPage(.root, from: ListingPlace(from: lowest), datagramBytes: 1472)
        }
    }
}

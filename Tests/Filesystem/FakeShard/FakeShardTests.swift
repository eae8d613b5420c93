import Client
import Filesystem
import Protocol
import Testing

/// What is asked of shards, and when, of a cluster whose directories are larger than a test could make them.
@Suite(.timeLimit(.minutes(2))) struct FakeShardTests {
    /// As much as a kernel asks for.
    private struct Sink: ListingSink {
        static let bytes = 32 << 10
        let wantsAttributes: Bool
        var room = bytes
        var entries: [ListedEntry] = []

        func size(nameBytes: Int) -> Int { 24 + nameBytes }

        mutating func append(_ entry: ListedEntry) {
            room -= size(nameBytes: entry.name.count)
            entries.append(entry)
        }
    }

    private static func info(_ owner: InodeID = .null) -> AnyShardResponse {
        .statDirectory(
            StatDirectoryResponse(mtime: Timestamp(nanoseconds: 1), owner: owner, info: DirectoryInfo(entries: [])))
    }

    private static let file = AnyShardResponse.statFile(
        StatFileResponse(mtime: Timestamp(nanoseconds: 1), atime: Timestamp(nanoseconds: 1), size: 3))

    @Test(arguments: [(1_000_000, false), (50_000, true)])
    func listingsHoldNoMoreOfALargeDirectoryThanOfASmallOne(_ names: Int, _ plus: Bool) async throws {
        try await FakeShard.run { shard, filesystem in
            let directory = GreatDirectory(names: names)
            shard.answer = { request, reply in
                switch request {
                case .readDir(let request): reply(.success(.readDir(directory.answer(request))))
                case .statFile: reply(.success(Self.file))
                default: reply(.failure(.internalError))
                }
            }
            let before = filesystem.knownNodes
            var (offset, listed, calls) = (UInt64(0), -2, 0)
            while true {
                let asked = shard.count
                var sink = Sink(wantsAttributes: plus)
                try await filesystem.list(.root, from: offset, into: &sink)
                guard let last = sink.entries.last else { break }
                // Whatever a part has asked for it has held, and nothing else is there.
                let (pages, files) = (shard.count - asked, plus ? sink.entries.count : 0)
                try #require(pages <= Sink.bytes / sink.size(nameBytes: 0) / 100 + 2 + files)
                for entry in sink.entries.compactMap(\.entry) { filesystem.takeBack(entry) }
                try #require(filesystem.knownNodes == before)
                for entry in sink.entries.dropFirst(calls == 0 ? 2 : 0) {
                    try #require(entry.name == GreatDirectory.name(listed + 3), "each once, in order")
                    listed += 1
                }
                (offset, calls) = (last.next, calls + 1)
            }
            #expect(listed + 2 == names && calls > names / 2000)
        }
    }

    /// Names in the cluster's order, of which one has very many versions.
    private static let snapshots: [SnapshotName] = {
        var names = (0..<1000).map { SnapshotName(name: Array("n\($0)".utf8), time: Timestamp(nanoseconds: 7)) }
        names += (0..<1000).map { SnapshotName(name: Array("log".utf8), time: Timestamp(nanoseconds: UInt64(9 + $0))) }
        return names.sorted { (NameHash(of: $0.name).rawValue, $0.time) < (NameHash(of: $1.name).rawValue, $1.time) }
    }()

    /// A root directory with these snapshots, so many in an answer.
    private static func serve(_ names: [SnapshotName], on shard: FakeShard) {
        shard.answer = { request, reply in
            switch request {
            case .lookup: reply(.failure(.nameNotFound))
            case .statDirectory: reply(.success(info()))
            case .fullReadDir(let request):
                let wanted = (NameHash(of: request.startName).rawValue, request.startTime)
                let first =
                    request.startName.isEmpty
                    ? 0
                    : names.firstIndex {
                        (NameHash(of: $0.name).rawValue, $0.time) >= wanted
                    } ?? names.count
                let part = names[first..<min(first + 50, names.count)]
                let edges = part.map { name in
                    Edge(
                        current: false,
                        targetId: InodeIDExtra(
                            id: InodeID(type: .file, shard: ShardID(rawValue: 0), index: name.time.nanoseconds),
                            flag: true),
                        nameHash: NameHash(of: name.name), name: name.name, creationTime: name.time)
                }
                let next = part.endIndex < names.count ? names[part.endIndex] : nil
                let cursor = FullReadDirCursor(
                    current: false, startName: next?.name ?? [], startTime: next?.time ?? .zero)
                reply(.success(.fullReadDir(FullReadDirResponse(next: cursor, results: edges))))
            default: reply(.failure(.internalError))
            }
        }
    }

    /// What is listed behind `offset`, and how many requests that took.
    private static func list(
        _ names: [SnapshotName], from offset: UInt64 = 0
    ) async throws -> (entries: [ListedEntry], requests: Int) {
        try await FakeShard.run { shard, filesystem in
            serve(names, on: shard)
            let place = try await filesystem.lookup(Filesystem.snapshotDirectory, in: .root).node
            let before = shard.count
            var entries: [ListedEntry] = []
            while true {
                var sink = Sink(wantsAttributes: false)
                sink.room = 1000
                try await filesystem.list(place, from: entries.last?.next ?? offset, into: &sink)
                guard !sink.entries.isEmpty else { break }
                entries += sink.entries
            }
            return (entries, shard.count - before)
        }
    }

    @Test func nothingIsLostBehindAnEntryThatIsCollected() async throws {
        let names = Self.snapshots
        let whole = try await Self.list(names)
        #expect(whole.entries.dropFirst(2).map(\.name) == names.map(\.bytes))
        // As many as there are answers, however small the parts: an end of both in one place costs one more.
        #expect((names.count / 50...names.count / 50 + 4).contains(whole.requests))
        for index in [0, 1, 49, 50, 777, 1500, names.count - 1] {
            let offset = SnapshotOffset.of(names[index])
            #expect(whole.entries[index + 2].next == offset)
            let behind = names[(index + 1)...].map(\.bytes)
            #expect(try await Self.list(names, from: offset).entries.map(\.name) == behind)
            var left = names
            left.remove(at: index)
            let listed = try await Self.list(left, from: offset).entries.map(\.name)
            // Some that were listed may come again: other versions of its name.
            #expect(Array(listed.suffix(behind.count)) == behind)
            let again = listed.dropLast(behind.count).compactMap(SnapshotName.init)
            #expect(again.allSatisfy { SnapshotOffset.group(SnapshotOffset.of($0)) == SnapshotOffset.group(offset) })
        }
    }

    @Test func whoeverLooksUpOnceMoreWaitsOnceOnly() async throws {
        var options = FilesystemOptions()
        (options.caching.names, options.caching.files) = (0, 0)
        try await FakeShard.run(options) { shard, filesystem in
            let inode = InodeID(type: .file, shard: ShardID(rawValue: 0), index: 5)
            let other = InodeID(type: .file, shard: ShardID(rawValue: 0), index: 6)
            let target = Mutable(inode)
            let held = Mutable<(() -> Void)?>(nil)
            let waits = Mutable(false)
            shard.answer = { request, reply in
                switch request {
                case .lookup:
                    let found = AnyShardResponse.lookup(
                        LookupResponse(targetId: target.value, creationTime: Timestamp(nanoseconds: 1)))
                    guard waits.value else { return reply(.success(found)) }
                    // No answer before it is certain that the attributes were asked for as well.
                    held.value = { reply(.success(found)) }
                case .statFile:
                    reply(.success(Self.file))
                    held.value?()
                    held.value = nil
                default: reply(.failure(.internalError))
                }
            }
            let name = Array("name".utf8)
            let first = try await filesystem.lookup(name, in: .root)
            #expect(first.node == NodeID(inode) && first.attributes.size == 3)
            waits.value = true
            let before = shard.count
            let second = try await filesystem.lookup(name, in: .root)
            #expect(second.node == first.node && shard.count == before + 2)
            // The guess was wrong.
            target.value = other
            waits.value = false
            let third = try await filesystem.lookup(name, in: .root)
            #expect(third.node == NodeID(other))
        }
    }

    /// Confined to the loop.
    private final class Mutable<T>: @unchecked Sendable {
        var value: T

        init(_ value: T) { self.value = value }
    }
}

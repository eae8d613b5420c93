import Client
import Glibc
import Protocol
import TestSupport
import Testing

/// Finished files that are continued: appended to, cut, changed in the middle.
@Suite(.timeLimit(.minutes(2))) struct ContinuedFileTests {
    typealias Files = FileRoundTripTests

    @Test func nothingIsStoredBeforeItHasToBe() async throws {
        let bytes = Files.content(5_000_000)
        let (kinds, read, old) = try await FakeCluster.run { cluster in
            let id = try await Files.write(bytes, cluster)
            let before = cluster.shards.kinds.count
            let writer = try await cluster.client.continueFile(
                id, size: UInt64(bytes.count), in: .root, note: Files.name)
            try await writer.write([1, 2, 3], at: 100)
            try await writer.write([4, 5], at: UInt64(bytes.count))
            try await writer.truncate(to: 4_000_001)
            let kinds = Set(cluster.shards.kinds[before...])
            _ = try await writer.finish(linkingIn: .root, name: [66])
            return (kinds, try await Files.readAll(writer.id, cluster), try await Files.readAll(id, cluster))
        }
        #expect(kinds.isDisjoint(with: [.addInlineSpan, .addSpanInitiate]))
        #expect(areEqual(read, bytes[..<100] + [1, 2, 3] + bytes[103..<4_000_001]))
        #expect(areEqual(old, bytes))
    }

    @Test func manySmallAppendsLeaveFewSpans() async throws {
        let (piece, count) = (3000, 250)
        let bytes = Files.content(piece * count)
        let (spans, stored, read) = try await FakeCluster.run { cluster in
            var id = try await Files.write(Array(bytes[..<piece]), cluster)
            for start in stride(from: piece, to: bytes.count, by: piece) {
                let writer = try await cluster.client.continueFile(
                    id, size: UInt64(start), in: .root, note: Files.name)
                try await writer.write(Array(bytes[start..<start + piece]), at: UInt64(start))
                _ = try await writer.finish(linkingIn: .root, name: Files.name)
                id = writer.id
            }
            let spans = cluster.shards.files[id]?.spans.count ?? 0
            return (spans, cluster.shards.placements.count, try await Files.readAll(id, cluster))
        }
        #expect(areEqual(read, bytes))
        #expect((1...8).contains(spans), "\(spans) spans")
        #expect(stored >= count)
    }

    @Test func aVersionThatIsGoneIsAnError() async throws {
        let bytes = Files.content(3_000_000)
        let (error, names) = try await FakeCluster.run { cluster in
            let id = try await Files.write(bytes, cluster)
            let writer = try await cluster.client.continueFile(
                id, size: UInt64(bytes.count), in: .root, note: Files.name)
            try await writer.write([1], at: 0)
            cluster.shards.forget(id)
            do throws(ClientError) {
                _ = try await writer.finish(linkingIn: .root, name: [66])
                return (ClientError?.none, cluster.shards.names.count)
            } catch {
                return (error, cluster.shards.names.count)
            }
        }
        #expect(error?.cause == .expired && error?.errno == EIO)
        #expect(names == 1)
    }

    /// Spans from the end: small ones are taken in, and what is less than twice as long as all behind it.
    @Test(arguments: [
        ([], 0), ([5000], 0), ([65536], 0), ([65537], 65536), ([1 << 20, 4096], 1 << 20),
        ([1 << 20, 8192, 4096], (1 << 20) + 8192), ([1 << 20, 8192, 5000], 1 << 20),
        ([1 << 20, 4096, 4096, 1], (1 << 20) + 8192), ([1 << 20, 139_264, 69_632, 65_536], 1 << 20),
        ([1 << 20, 1 << 20], 2 << 20),
    ] as [([Int], Int)])
    func openStart(sizes: [Int], expected: Int) {
        var spans: [Range<UInt64>] = []
        for size in sizes { spans.append((spans.last?.upperBound ?? 0)..<(spans.last?.upperBound ?? 0) + UInt64(size)) }
        let start = OpenStart(spans, size: spans.last?.upperBound ?? 0, limit: 16 << 20).offset
        #expect(start == UInt64(expected))
    }

    /// Zeros that are not stored cannot be cut, and need not be read.
    @Test func aHoleIsOpenedAsAWhole() {
        let spans: [Range<UInt64>] = [0..<4096, 4096..<3 << 30]
        let start = OpenStart(spans, endsInHole: true, size: 3 << 30, limit: 1 << 20)
        #expect(start.offset == 4096 && start.isHole)
        let small = OpenStart([0..<1 << 20, 1 << 20..<1 << 20 | 5], endsInHole: true, size: 1 << 20 | 5, limit: 1 << 20)
        #expect(small.offset == 1 << 20 && !small.isHole)
    }

    @Test func noMoreIsOpenedThanMayBe() {
        let spans: [Range<UInt64>] = [0..<100_000, 100_000..<160_000]
        #expect(OpenStart(spans, size: 160_000, limit: 200_000).offset == 0)
        #expect(OpenStart(spans, size: 160_000, limit: 159_999).offset == 100_000)
        #expect(OpenStart(spans, size: 160_000, limit: 59_999).offset == 159_744)
    }
}

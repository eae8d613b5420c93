import Client
import Protocol
import TestSupport
import Testing

/// Files written to and read from a cluster in memory, over real sockets.
@Suite(.timeLimit(.minutes(2))) struct FileRoundTripTests {
    static let name = Array("file".utf8)

    static func content(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count { withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) } }
        return Array(bytes.prefix(count))
    }

    static func write(
        _ bytes: [UInt8], _ cluster: FakeCluster, portion: Int = 100_000
    ) async throws(ClientError) -> InodeID {
        let writer = try await cluster.client.createFile(in: .root, note: name)
        for start in stride(from: 0, to: bytes.count, by: portion) {
            try await writer.write(Array(bytes[start..<min(start + portion, bytes.count)]), at: UInt64(start))
        }
        _ = try await writer.finish(linkingIn: .root, name: name)
        return writer.id
    }

    static func readAll(_ id: InodeID, _ cluster: FakeCluster, portion: Int = 131_072) async throws -> [UInt8] {
        let reader = try await cluster.client.open(id)
        var bytes: [UInt8] = []
        while true {
            let data = try await reader.read(at: UInt64(bytes.count), count: portion)
            if data.count == 0 { return bytes }
            bytes += data.bytes
        }
    }

    @Test(arguments: [
        0, 1, 255, 256, 4095, 4096, 4097, 65535, 65536, 1 << 20, (1 << 20) + 1, 3 << 20, (3 << 20) + 12345,
    ])
    func sizesAroundBoundaries(size: Int) async throws {
        let bytes = Self.content(size)
        let read = try await FakeCluster.run { cluster in
            try await Self.readAll(Self.write(bytes, cluster), cluster)
        }
        #expect(areEqual(read, bytes))
    }

    @Test(arguments: [Parity(data: 1, parity: 0), Parity(data: 1, parity: 2), Parity(data: 10, parity: 4)])
    func parities(parity: Parity) async throws {
        let bytes = Self.content(1_500_000)
        let read = try await FakeCluster.run(parity: parity, services: 16) { cluster in
            try await Self.readAll(Self.write(bytes, cluster), cluster)
        }
        #expect(areEqual(read, bytes))
    }

    @Test func holesTakeNoBlocks() async throws {
        let (read, placed, size) = try await FakeCluster.run { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Self.name)
            try await writer.write(Self.content(5000), at: 0)
            try await writer.write([1, 2, 3], at: 50_000_001)
            try await writer.truncate(to: 60_000_000)
            _ = try await writer.finish(linkingIn: .root, name: Self.name)
            let reader = try await cluster.client.open(writer.id)
            let start = try await reader.read(at: 0, count: 10_000).bytes
            let middle = try await reader.read(at: 49_999_999, count: 8).bytes
            let end = try await reader.read(at: 59_999_998, count: 10).bytes
            return (start + middle + end, cluster.shards.placements.count, reader.size)
        }
        #expect(read == Self.content(5000) + Array(repeating: 0, count: 5000) + [0, 0, 1, 2, 3, 0, 0, 0] + [0, 0])
        #expect(placed == 1)
        #expect(size == 60_000_000)
    }

    @Test func anOpenSpanCanBeChangedAndReadBack() async throws {
        let (early, late) = try await FakeCluster.run { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Self.name)
            try await writer.write(Array(repeating: 7, count: 1000), at: 0)
            try await writer.write([1, 2, 3], at: 10)
            let early = try await writer.read(at: 8, count: 7).bytes
            try await writer.write(Array(repeating: 9, count: 2 << 20), at: 1000)
            let late = try await writer.read(at: 9, count: 5).bytes
            return (early, late)
        }
        #expect(early == [7, 7, 1, 2, 3, 7, 7])
        #expect(late == [7, 1, 2, 3, 7])
    }

    @Test func anAbandonedFileIsNotVisible() async throws {
        let (names, error) = try await FakeCluster.run { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Self.name)
            try await writer.write(Self.content(3 << 20), at: 0)
            await writer.abandon()
            var failure: ClientError?
            do {
                _ = try await writer.finish(linkingIn: .root, name: Self.name)
            } catch let error as ClientError {
                failure = error
            }
            return (cluster.shards.names.count, failure)
        }
        #expect(names == 0)
        #expect(error?.cause == .closed)
    }
}

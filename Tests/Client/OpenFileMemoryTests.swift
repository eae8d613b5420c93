import Client
import Protocol
import TestSupport
import Testing

/// What files that are being written take of the memory that all of them share.
@Suite(.timeLimit(.minutes(2))) struct OpenFileMemoryTests {
    typealias Files = FileRoundTripTests

    @Test func openFilesShareABudget() async throws {
        var options = FakeCluster.testOptions
        options.openBufferBytes = 4 << 20
        options.pendingWriteBytes = 4 << 20
        options.readCacheBytes = 1 << 20
        let (most, areRight) = try await FakeCluster.run(options: options) { cluster in
            let (files, size, piece) = (80, 400_000, 20_000)
            let contents = (0..<files).map { Files.content(size, seed: UInt64($0)) }
            var writers: [FileWriter] = []
            for _ in 0..<files { writers.append(try await cluster.client.createFile(in: .root, note: [])) }
            var most = 0
            for start in stride(from: 0, to: size, by: piece) {
                for (writer, content) in zip(writers, contents) {
                    try await writer.write(Array(content[start..<start + piece]), at: UInt64(start))
                    most = max(most, cluster.client.core.pool.takenBytes)
                }
            }
            var areRight = true
            for (index, writer) in writers.enumerated() {
                _ = try await writer.finish(linkingIn: .root, name: [65, 100 + UInt8(index)])
                guard index % 20 == 7 else { continue }
                if try await Files.readAll(writer.id, cluster) != contents[index] { areRight = false }
            }
            return (most, areRight)
        }
        // What is open, what is on its way with its parity and padding, and a page that reads as zeros.
        #expect(most <= 16 << 20, "\(most >> 20) MiB")
        #expect(areRight)
    }

    /// Where appended bytes belong is told by the size.
    @Test func ofWhatIsNotTakenAtOnceNothingIsTaken() async throws {
        var options = FakeCluster.testOptions
        options.openBufferBytes = 2 << 20
        options.pendingWriteBytes = 1 << 20
        let content = Files.content((1 << 20) + 19_000)
        let (sizes, isRight) = try await FakeCluster.run(options: options) { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: [])
            let begun = (1 << 20) - 1000
            // In two steps, so that its memory has room for the padding of the span: it will not grow any more.
            for part in [0..<512 << 10, 512 << 10..<begun] {
                try await writer.write(Array(content[part]), at: UInt64(part.lowerBound))
            }
            // Pages are always granted: together they have more than all may. Once the full span waits to be stored, none
            // of them can be.
            var others: [FileWriter] = []
            for _ in 0..<400 {
                let other = try await cluster.client.createFile(in: .root, note: [])
                for start in [0, 4096] { try await other.write(Files.content(4096), at: UInt64(start)) }
                others.append(other)
            }
            let before = await writer.size
            let rest = content[begun...]
            let isTaken = try rest.withUnsafeBytes { try writer.writeNow($0, at: UInt64(begun)) }
            let after = await writer.size
            if !isTaken { try await writer.write(Array(rest), at: after) }
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            for other in others { await other.abandon() }
            let isRight = try await Files.readAll(writer.id, cluster) == content
            return (isTaken ? [before, before] : [before, after], isRight)
        }
        #expect(sizes[0] == sizes[1])
        #expect(isRight)
    }

    /// All end at once that were changed where they were stored, or their shard has given all of them up.
    @Test(arguments: [false, true]) func filesThatAreStoredAgainShareABudget(haveExpired: Bool) async throws {
        var options = FakeCluster.testOptions
        options.openBufferBytes = 4 << 20
        options.pendingWriteBytes = 4 << 20
        options.readCacheBytes = 1 << 20
        options.leastTransientNanoseconds = 100_000_000
        let (most, areRight) = try await FakeCluster.run(options: options) { cluster in
            let shards = cluster.shards
            cluster.client.core.openFiles.clock = { shards.time }
            let (files, size) = (40, 1_400_000)
            var (writers, contents) = ([FileWriter](), [[UInt8]]())
            for index in 0..<files {
                var content = Files.content(size, seed: UInt64(index))
                let writer = try await cluster.client.createFile(in: .root, note: [])
                try await writer.write(content, at: 0)
                try await writer.stored()
                if !haveExpired {
                    try await writer.write([7], at: 1000)
                    content[1000] = 7
                }
                writers.append(writer)
                contents.append(content)
            }
            nonisolated(unsafe) var most = 0
            shards.fate = { _, _ in
                most = max(most, cluster.client.core.pool.takenBytes)
                return .normal
            }
            if haveExpired {
                let before = writers.map(\.id)
                shards.pass(3 * 3_600_000_000_000)
                for (writer, id) in zip(writers, before) {
                    while writer.id == id { await cluster.loop.sleep(nanoseconds: 5_000_000) }
                }
            }
            let ends = writers.enumerated().map { index, writer in
                cluster.loop.task { () async -> Bool in
                    (try? await writer.finish(linkingIn: .root, name: [65, 100 + UInt8(index)])) != nil
                }
            }
            var areRight = true
            for end in ends { areRight = await end.value && areRight }
            for index in stride(from: 7, to: files, by: 10) {
                if try await Files.readAll(writers[index].id, cluster) != contents[index] { areRight = false }
            }
            return (most, areRight)
        }
        // What is open or changed, what is on its way with its parity and padding, and what is read for that.
        #expect(most <= 24 << 20, "\(most >> 20) MiB")
        #expect(areRight)
    }

    @Test func aSmallFileTakesLittleMemory() async throws {
        let bytes = try await FakeCluster.run { cluster in
            let before = cluster.client.core.pool.takenBytes
            var writers: [FileWriter] = []
            for _ in 0..<100 {
                let writer = try await cluster.client.createFile(in: .root, note: [])
                try await writer.write([1, 2, 3], at: 0)
                writers.append(writer)
            }
            defer { writers = [] }
            return cluster.client.core.pool.takenBytes - before
        }
        #expect(bytes == 100 * 4096)
    }
}

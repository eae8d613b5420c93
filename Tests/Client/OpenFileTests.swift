import Client
import Glibc
import Protocol
import Synchronization
import TestSupport
import Testing

/// Files that stay open for long, are many, or must be on disks before they are closed.
@Suite(.timeLimit(.minutes(2))) struct OpenFileTests {
    typealias Files = FileRoundTripTests

    private static let hour: UInt64 = 3_600_000_000_000

    /// The client's clock goes with that of the shards, and is looked at often.
    private static func run<T: Sendable>(
        saysLifetime: Bool = true, isBaseProtocolOnly: Bool = false,
        _ body: @escaping @Sendable (FakeCluster) async throws -> T
    ) async throws -> T {
        var options = FakeCluster.testOptions
        options.leastTransientNanoseconds = 100_000_000
        options.isBaseProtocolOnly = isBaseProtocolOnly
        let extensions: Set<ProtocolExtension> = [.linkWithSpan, .fetchPageSums]
        return try await FakeCluster.run(
            options: options, extensions: saysLifetime ? extensions.union([.transientLifetime]) : extensions
        ) { cluster in
            let shards = cluster.shards
            cluster.client.core.openFiles.clock = { shards.time }
            return try await body(cluster)
        }
    }

    /// Waits until the file's shard has heard of it once more.
    private static func untilTouched(_ cluster: FakeCluster) async -> Bool {
        let before = cluster.shards.touches
        for _ in 0..<3000 {
            if cluster.shards.touches > before { return true }
            await cluster.loop.sleep(nanoseconds: 5_000_000)
        }
        return false
    }

    private static func constructions(_ cluster: FakeCluster) -> Int {
        cluster.shards.kinds.filter { $0 == .constructFile }.count
    }

    // MARK: Deadlines

    @Test("an open file is renewed in time, whether the shard says its lifetime or not", arguments: [true, false])
    func renewal(saysLifetime: Bool) async throws {
        let bytes = Files.content(1_500_000)
        let (renewals, read, files, kinds) = try await Self.run(saysLifetime: saysLifetime) { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write(bytes, at: 0)
            try await writer.stored()
            var renewals = 0
            // The shards keep unfinished files for two hours.
            while renewals < 8 {
                cluster.shards.pass(Self.hour + Self.hour / 2)
                guard await Self.untilTouched(cluster) else { break }
                renewals += 1
            }
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            let read = try await Files.readAll(writer.id, cluster)
            return (renewals, read, Self.constructions(cluster), Set(cluster.shards.kinds))
        }
        #expect(renewals == 8)
        // Listing other people's files is not for everybody.
        #expect(kinds.contains(.transientLifetime) == saysLifetime)
        #expect(kinds.contains(.visitTransientFiles) != saysLifetime)
        #expect(areEqual(read, bytes))
        #expect(files == 1)
    }

    @Test("shards that list no files for strangers are asked for their lifetime", arguments: [true, false])
    func lifetimeOfShardsWithAKey(isBase: Bool) async throws {
        let kinds = try await Self.run(saysLifetime: false, isBaseProtocolOnly: isBase) { cluster in
            let shards = cluster.shards
            shards.refusals[.visitTransientFiles] = ArraySlice(repeating: .notAuthorised, count: 100)
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write(Files.content(1_500_000), at: 0)
            try await writer.stored()
            // The first renewal asks.
            shards.pass(Self.hour + Self.hour / 2)
            for _ in 0..<3000 where !shards.kinds.contains(.visitTransientFiles) {
                await cluster.loop.sleep(nanoseconds: 5_000_000)
            }
            // Answers come in the order of the requests.
            for _ in 0..<4 { _ = try? await cluster.client.lookup([66], in: .root) }
            return Set(shards.kinds)
        }
        #expect(kinds.contains(.visitTransientFiles))
        #expect(kinds.contains(.transientLifetime) != isBase)
    }

    /// The machine was suspended, or cut off.
    @Test func aFileThatExpiredIsStoredAgain() async throws {
        let bytes = Files.content(3_300_000)
        let (read, ids, files) = try await Self.run { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            let first = writer.id
            try await writer.write(Array(bytes[..<2_500_000]), at: 0)
            try await writer.truncate(to: 2_700_000)
            try await writer.stored()
            cluster.shards.pass(3 * Self.hour)
            try await writer.write(Array(bytes[2_500_000...]), at: 2_500_000)
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            return (try await Files.readAll(writer.id, cluster), [first, writer.id], Self.constructions(cluster))
        }
        #expect(areEqual(read, bytes))
        #expect(ids[0] != ids[1])
        #expect(files == 2)
    }

    @Test func whatWasCollectedIsLostLoudly() async throws {
        let (error, names) = try await Self.run { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write(Files.content(2_500_000), at: 0)
            try await writer.stored()
            cluster.shards.pass(3 * Self.hour)
            cluster.shards.collectExpired()
            do throws(ClientError) {
                _ = try await writer.finish(linkingIn: .root, name: Files.name)
                return (ClientError?.none, cluster.shards.names.count)
            } catch {
                return (error, cluster.shards.names.count)
            }
        }
        #expect(error?.cause == .expired && error?.errno == EIO)
        #expect(names == 0)
    }

    /// Of four files made in a row, of which the client makes some inodes more: those that nobody has used.
    private static func madeAhead(_ cluster: FakeCluster) async throws -> Set<InodeID> {
        for index in 0..<4 as Range<UInt8> {
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write([index], at: 0)
            _ = try await writer.finish(linkingIn: .root, name: [65, 100 + index])
        }
        // All that were ordered, and their shard's deadline.
        for _ in 0..<3000 where constructions(cluster) < 5 || !cluster.shards.kinds.contains(.transientLifetime) {
            await cluster.loop.sleep(nanoseconds: 5_000_000)
        }
        // Answers come in the order of the requests.
        _ = try? await cluster.client.lookup([66], in: .root)
        return Set(cluster.shards.files.filter { !$1.isLinked }.keys)
    }

    /// The clock is that of open files, which does not stand still in suspend.
    @Test("an inode made ahead is used in the first half of its shard's deadline", arguments: [true, false])
    func inodesMadeAheadGrowOld(isInFirstHalf: Bool) async throws {
        let wasSpare = try await Self.run { cluster in
            let spares = try await Self.madeAhead(cluster)
            #expect(!spares.isEmpty)
            cluster.shards.pass(isInFirstHalf ? Self.hour - Self.hour / 4 : Self.hour + Self.hour / 4)
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            return spares.contains(writer.id)
        }
        #expect(wasSpare == isInFirstHalf)
    }

    @Test func anInodeMadeAheadMayHaveExpired() async throws {
        let (read, wasSpare) = try await Self.run { cluster in
            // Two hosts' clocks need not agree.
            cluster.client.core.openFiles.clock = { 1_000 }
            let spares = try await Self.madeAhead(cluster)
            cluster.shards.pass(3 * Self.hour)
            cluster.shards.collectExpired()
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            let wasSpare = spares.contains(writer.id)
            try await writer.write([1, 2, 3], at: 0)
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            return (try await Files.readAll(writer.id, cluster), wasSpare)
        }
        #expect(wasSpare)
        #expect(read == [1, 2, 3])
    }

    /// The answer to LINK_FILE is lost, and somebody renames the file before it is asked for again.
    @Test func aLinkedFileIsNotTakenForALostOne() async throws {
        let (files, names) = try await Self.run { cluster in
            cluster.shards.fate = { kind, repetition in
                guard kind == ShardKind.linkFile.rawValue else { return .normal }
                if repetition == 1 { cluster.shards.rename(Files.name, to: [66]) }
                return repetition == 0 ? .loseAnswer : .normal
            }
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write(Files.content(5000), at: 0)
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            return (Self.constructions(cluster), Array(cluster.shards.names.keys))
        }
        #expect(files == 1)
        #expect(names == [[66]])
    }

    // MARK: Full spans

    @Test("a span that was filled forwards is stored at once, one that was filled from elsewhere stays open")
    func fullSpans() async throws {
        let (stored, full) = try await Self.run { cluster in
            var (stored, size): ([UInt64], UInt64) = ([], 0)
            for isForwards in [true, false] {
                let writer = try await cluster.client.createFile(in: .root, note: Files.name)
                let (full, half) = (writer.policies.largestSpanBytes, writer.policies.largestSpanBytes / 2)
                let bytes = Files.content(full)
                let parts = isForwards ? [0..<half, half..<full] : [half..<full, 0..<half]
                for part in parts { try await writer.write(Array(bytes[part]), at: UInt64(part.lowerBound)) }
                try await writer.stored()
                stored.append(cluster.shards.files[writer.id]?.size ?? 0)
                size = UInt64(full)
                _ = try await writer.finish(linkingIn: .root, name: Files.name)
                if try await !areEqual(Files.readAll(writer.id, cluster), bytes) { stored.append(.max) }
            }
            return (stored, size)
        }
        #expect(stored == [full, 0])
    }

    // MARK: fsync

    @Test func fsyncStoresEverything() async throws {
        let bytes = Files.content(700_037)
        let (stored, tail, read) = try await Self.run { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write(Array(bytes[..<600_037]), at: 0)
            try await writer.synchronize()
            let whole = cluster.shards.files[writer.id]?.size ?? 0
            let tails = cluster.shards.files.filter { $0.key != writer.id && $0.value.size > 0 && !$0.value.isDirty }
            var stored = try await FileReader(client: cluster.client, id: writer.id, size: whole).read(
                at: 0, count: 1_000_000
            ).bytes
            for (id, file) in tails {
                stored += try await FileReader(client: cluster.client, id: id, size: file.size).read(
                    at: 0, count: 1_000_000
                ).bytes
            }
            // What is behind the last page boundary can still be changed.
            try await writer.write(Array(bytes[600_000...]), at: 600_000)
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            return (stored, tails.count, try await Files.readAll(writer.id, cluster))
        }
        #expect(areEqual(stored, Array(bytes[..<600_037])))
        #expect(tail == 1)
        #expect(areEqual(read, bytes))
    }

    @Test func manySmallFsyncsMakeFewSpans() async throws {
        let bytes = Files.content(600_000)
        let (spans, read) = try await Self.run { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            for start in stride(from: 0, to: bytes.count, by: 2000) {
                try await writer.write(Array(bytes[start..<start + 2000]), at: UInt64(start))
                try await writer.synchronize()
            }
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            return (cluster.shards.files[writer.id]?.spans.count ?? 0, try await Files.readAll(writer.id, cluster))
        }
        #expect((2...4).contains(spans))
        #expect(areEqual(read, bytes))
    }

    // MARK: Sizes

    @Test func whatIsTooLargeIsRefusedAtOnce() async throws {
        let errors = try await FakeCluster.run { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            var errors: [Int32?] = []
            for size in [ClientLimits.fileBytes + 1, 4 << 60, UInt64(Int64.max)] {
                do throws(ClientError) {
                    try await writer.truncate(to: size)
                } catch {
                    errors.append(error.errno)
                }
                do throws(ClientError) {
                    try await writer.write([1], at: size)
                } catch {
                    errors.append(error.errno)
                }
            }
            try await writer.truncate(to: ClientLimits.fileBytes)
            await writer.abandon()
            return errors
        }
        #expect(errors == Array(repeating: EFBIG, count: 6))
    }

    /// Two holes and what is behind each wait to be stored, and shards do not answer.
    @Test func aHoleOfTerabytesCostsNothingBeforeItIsStored() async throws {
        let (isTaken, bytes) = try await FakeCluster.run { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            let before = cluster.client.core.pool.takenBytes
            cluster.shards.fate = { _, _ in .loseRequest }
            let isTaken = Atomic(false)
            let writing = Task {
                for offset in [7 << 40, 15 << 40] as [UInt64] {
                    try await writer.truncate(to: offset)
                    try await writer.write([7], at: offset)
                }
                isTaken.store(true, ordering: .relaxed)
            }
            for _ in 0..<2000 where !isTaken.load(ordering: .relaxed) {
                await cluster.loop.sleep(nanoseconds: 5_000_000)
            }
            let bytes = cluster.client.core.pool.takenBytes - before
            await writer.abandon()
            _ = await writing.result
            return (isTaken.load(ordering: .relaxed), bytes)
        }
        #expect(isTaken)
        // A few pages with the bytes behind the holes, and what coding one of them takes.
        #expect(bytes <= 16 << 20)
    }

    @Test func aHoleIsCutIntoSpansWhileItIsStored() async throws {
        let (size, spans, last) = try await FakeCluster.run { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.truncate(to: 20 << 30)
            try await writer.write([7], at: 20 << 30)
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            let file = cluster.shards.files[writer.id]
            let last = try await cluster.client.open(writer.id).read(at: (20 << 30) - 1, count: 10).bytes
            return (file?.size ?? 0, file?.spans.count ?? 0, last)
        }
        #expect(size == (20 << 30) + 1)
        #expect(spans == 7)
        #expect(last == [0, 7])
    }
}

import Client
import Glibc
import Protocol
import TestSupport
import Testing

/// What is changed behind what is sealed: where it is kept, what it costs, and when there is no room for it.
@Suite(.timeLimit(.minutes(2))) struct PatchTests {
    typealias Files = FileRoundTripTests

    private static func options(patchBytes: Int, spoolBytes: Int?) -> ClientOptions {
        var options = FakeCluster.testOptions
        options.patchBytes = patchBytes
        options.spoolBytes = spoolBytes
        return options
    }

    private static func spans(_ writer: FileWriter, _ cluster: FakeCluster) -> [FetchedSpan] {
        cluster.shards.files[writer.id]?.spans ?? []
    }

    /// Sealed up to its last open span.
    private static func written(_ bytes: [UInt8], _ cluster: FakeCluster) async throws -> FileWriter {
        let writer = try await cluster.client.createFile(in: .root, note: Files.name)
        try await writer.write(bytes, at: 0)
        return writer
    }

    private static func failure(_ step: () async throws(ClientError) -> Void) async -> ClientError? {
        do throws(ClientError) {
            try await step()
            return nil
        } catch {
            return error
        }
    }

    // MARK: Room

    @Test func withoutRoomOnlyTheWriterFails() async throws {
        let bytes = Files.content(1_500_000)
        let options = Self.options(patchBytes: 64 << 10, spoolBytes: 256 << 10)
        let (refused, finish, others, later) = try await FakeCluster.run(options: options) { cluster in
            let other = try await Self.written(bytes, cluster)
            try await other.write([7], at: 3)
            let writer = try await Self.written(bytes, cluster)
            let refused = await Self.failure { () throws(ClientError) in
                for start in stride(from: 0, to: 900_000, by: 50_000) {
                    try await writer.write(Array(repeating: 1, count: 50_000), at: UInt64(start))
                }
            }
            let finish = await Self.failure { () throws(ClientError) in
                _ = try await writer.finish(linkingIn: .root, name: Files.name)
            }
            // Whoever has it open still is in nobody's way.
            try await other.write([8], at: 900_000)
            _ = try await other.finish(linkingIn: .root, name: [66])
            await writer.abandon()
            let third = try await Self.written(bytes, cluster)
            try await third.write(Array(repeating: 2, count: 200_000), at: 10)
            _ = try await third.finish(linkingIn: .root, name: [67])
            return (
                refused, finish, try await Files.readAll(other.id, cluster), try await Files.readAll(third.id, cluster)
            )
        }
        #expect(refused?.cause == .noSpoolSpace && refused?.errno == ENOSPC)
        #expect(finish == refused)
        var expected = bytes
        (expected[3], expected[900_000]) = (7, 8)
        #expect(areEqual(others, expected))
        #expect(areEqual(later, bytes[..<10] + Array(repeating: 2, count: 200_000) + bytes[200_010...]))
    }

    @Test func whoNeedsNoMemoryIsNotHarmedByAFullSpool() async throws {
        let bytes = Files.content(1_500_000)
        let blockBytes = Spool.slotBytes
        let options = Self.options(patchBytes: 4 * blockBytes, spoolBytes: 0)
        let (waits, refused, read) = try await FakeCluster.run(options: options) { cluster in
            func patch(_ writer: FileWriter, _ block: Int) throws -> Bool {
                try [UInt8](repeating: 1, count: blockBytes).withUnsafeBytes {
                    try writer.writeNow($0, at: UInt64(block * blockBytes))
                }
            }
            let other = try await Self.written(bytes, cluster)
            let greedy = try await Self.written(bytes, cluster)
            // The fourth block makes that of `other`, the oldest, be spooled.
            #expect(try patch(other, 0) && patch(greedy, 0) && patch(greedy, 1) && patch(greedy, 2))
            #expect(cluster.client.core.patchMemory.usedBytes == 4 * blockBytes)
            let waits = try !patch(other, 0)
            try await other.write([7], at: 5)
            let refused = await Self.failure { () throws(ClientError) in
                try await greedy.write([1], at: UInt64(4 * blockBytes))
            }
            try await other.write([8], at: 6)
            _ = try await other.finish(linkingIn: .root, name: Files.name)
            await greedy.abandon()
            return (waits, refused, try await Files.readAll(other.id, cluster))
        }
        #expect(waits, "it was not being spooled")
        #expect(refused?.cause == .noSpoolSpace)
        let patched: [UInt8] = Array(repeating: 1, count: 5) + [7, 8] + Array(repeating: 1, count: blockBytes - 7)
        #expect(areEqual(read, patched + bytes[blockBytes...]))
    }

    @Test func whatIsSpooledAtTheSameTimeSharesTheLimit() async throws {
        let blockBytes = Spool.slotBytes
        let options = Self.options(patchBytes: 4 * blockBytes, spoolBytes: 2 * blockBytes)
        let (taken, refused) = try await FakeCluster.run(options: options) { cluster in
            let writer = try await Self.written(Files.content(1_500_000), cluster)
            var taken = 0
            let refused = await Self.failure { () throws(ClientError) in
                while taken < 16 {
                    try await writer.write([UInt8](repeating: 1, count: blockBytes), at: UInt64(taken * blockBytes))
                    taken += 1
                }
            }
            await writer.abandon()
            return (taken, refused)
        }
        #expect(taken == 6)
        #expect(refused?.cause == .noSpoolSpace)
    }

    @Test func ofThoseThatWaitForRoomOnlyTheGreediestFails() async throws {
        let bytes = Files.content(1_500_000)
        let blockBytes = Spool.slotBytes
        let options = Self.options(patchBytes: 4 * blockBytes, spoolBytes: 2 * blockBytes)
        let (greed, modesty, read) = try await FakeCluster.run(options: options) { cluster in
            let other = try await Self.written(bytes, cluster)
            let greedy = try await Self.written(bytes, cluster)
            // All there is, in memory and in the spool.
            try await greedy.write([UInt8](repeating: 1, count: 6 * blockBytes), at: 0)
            // Both at once: the smaller first.
            let modest = cluster.loop.task {
                await Self.failure { () throws(ClientError) in try await other.write([7], at: 5) }
            }
            let asking = cluster.loop.task {
                await Self.failure { () throws(ClientError) in
                    try await greedy.write([1], at: UInt64(7 * blockBytes))
                }
            }
            let (greed, modesty) = (await asking.value, await modest.value)
            _ = try await other.finish(linkingIn: .root, name: Files.name)
            await greedy.abandon()
            return (greed, modesty, try await Files.readAll(other.id, cluster))
        }
        #expect(greed?.cause == .noSpoolSpace)
        #expect(modesty == nil)
        #expect(areEqual(read, bytes[..<5] + [7] + bytes[6...]))
    }

    @Test func aFailedFileGivesItsRoomBackWhileItIsStillBeingStored() async throws {
        let (held, before, after) = try await FakeCluster.run { cluster in
            var (isHeld, held) = (true, 0)
            cluster.shards.fate = { kind, _ in
                guard isHeld, kind == ShardKind.addSpanInitiate.rawValue else { return .normal }
                held += 1
                return .loseRequest
            }
            // Its first span is being stored from now on.
            let writer = try await Self.written(Files.content(1_500_000), cluster)
            try await writer.write(Files.content(100_000), at: 0)
            while held == 0 { await cluster.loop.sleep(nanoseconds: 2_000_000) }
            let memory = cluster.client.core.patchMemory
            let before = memory.usedBytes
            await writer.abandon()
            let after = memory.usedBytes
            isHeld = false
            return (held, before, after)
        }
        #expect(held > 0 && before > 0)
        #expect(after == 0)
    }

    @Test func aSpoolThatCannotBeMadeIsAnError() async throws {
        var options = Self.options(patchBytes: 64 << 10, spoolBytes: nil)
        options.spoolDirectory = "/nonexistent"
        let error = try await FakeCluster.run(options: options) { [options] cluster in
            let writer = try await Self.written(Files.content(1_500_000), cluster)
            let small = await Self.failure { () throws(ClientError) in try await writer.write([1], at: 0) }
            #expect(small == nil && options.patchBytes > 0)
            return await Self.failure { () throws(ClientError) in
                try await writer.write(Files.content(500_000), at: 100)
            }
        }
        #expect(error?.cause == .spoolFailed && error?.errno == EIO)
        #expect("\(error.map { "\($0)" } ?? "")".contains("/nonexistent"))
    }

    @Test func aSpoolHasNoNamesAndUsesSlotsAgain() throws {
        var path = Array("/tmp/sterna-test-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&path))
        let directory = String(cString: made)
        defer { rmdir(directory) }
        let spool = try Spool(in: directory, limitBytes: 9 * Spool.slotBytes)
        // Something in it would keep it from being removed.
        #expect(rmdir(directory) == 0)
        var slots = try (0..<9).map { _ in try spool.takeSlot() }
        for (seed, slot) in slots.enumerated() { try Self.store(UInt64(seed), in: slot) }
        for (seed, slot) in slots.enumerated() { #expect(try Self.holds(UInt64(seed), slot)) }
        #expect(throws: ClientError.self) { _ = try spool.takeSlot() }
        slots.remove(at: 5)
        let another = try spool.takeSlot()
        #expect(throws: ClientError.self) { _ = try spool.takeSlot() }
        #expect(try Self.holds(5, another))
    }

    private static func store(_ seed: UInt64, in slot: SpoolSlot) throws {
        try Files.content(1000, seed: seed).withUnsafeBytes { try slot.write($0, at: 64_000) }
    }

    private static func holds(_ seed: UInt64, _ slot: SpoolSlot) throws -> Bool {
        var bytes = [UInt8](repeating: 0, count: 1000)
        try bytes.withUnsafeMutableBytes { try slot.read($0, at: 64_000) }
        return bytes == Files.content(1000, seed: seed)
    }

    // MARK: Sizes

    @Test func aPatchInALargeHoleStoresOneSpan() async throws {
        let (placed, size, around) = try await FakeCluster.run { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write([7], at: 40 << 30)
            try await writer.write(Files.content(5000), at: 20 << 30)
            try await writer.zero(30 << 30..<35 << 30)
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            let reader = try await cluster.client.open(writer.id)
            let around = try await reader.read(at: (20 << 30) - 10, count: 5020).bytes
            return (cluster.shards.placements.count, reader.size, around)
        }
        #expect(placed == 1)
        #expect(size == (40 << 30) + 1)
        #expect(around == Array(repeating: 0, count: 10) + Files.content(5000) + Array(repeating: 0, count: 10))
    }

    @Test func whatIsZeroedTakesNoBlocks() async throws {
        let (spans, read, memory) = try await FakeCluster.run { cluster in
            let writer = try await Self.written(Files.content(5_000_000), cluster)
            try await writer.write(Files.content(300_000), at: 600_000)
            try await writer.zero(0..<5_000_000)
            let memory = cluster.client.core.patchMemory.usedBytes
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            return (Self.spans(writer, cluster), try await Files.readAll(writer.id, cluster), memory)
        }
        #expect(spans.allSatisfy { if case .inline = $0.body { true } else { false } })
        #expect(areEqual(read, Array(repeating: 0, count: 5_000_000)))
        #expect(memory == 0)
    }

    @Test func whatIsPatchedWhileTheFileIsRebuiltStays() async throws {
        let bytes = Files.content(3 << 20)
        let (written, during, read) = try await FakeCluster.run { cluster in
            let writer = try await Self.written(bytes, cluster)
            try await writer.stored()
            try await writer.write([1, 2, 3], at: 1000)
            var written = 0
            cluster.shards.fate = { kind, _ in
                // Of the successor's spans.
                guard kind == ShardKind.addSpanInitiate.rawValue, written < 2 else { return .normal }
                let isTaken = try? [UInt8(7)].withUnsafeBytes { try writer.writeNow($0, at: 1001) }
                if isTaken == true { written += 1 }
                return .normal
            }
            try await writer.synchronize()
            let during = try await writer.read(at: 999, count: 5).bytes
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            return (written, during, try await Files.readAll(writer.id, cluster))
        }
        #expect(written == 2)
        #expect(during == [bytes[999], 1, 7, 3, bytes[1003]])
        #expect(areEqual(read, bytes[..<1000] + [1, 7, 3] + bytes[1003...]))
    }

    @Test func aSyncStoresPatches() async throws {
        let bytes = Files.content(3 << 20)
        let (stored, constructions) = try await FakeCluster.run { cluster in
            let writer = try await Self.written(bytes, cluster)
            try await writer.write([1, 2, 3], at: 1000)
            try await writer.synchronize()
            let size = cluster.shards.files[writer.id]?.size ?? 0
            let stored = try await FileReader(client: cluster.client, id: writer.id, size: size)
                .read(at: 0, count: 2000).bytes
            let before = cluster.shards.kinds.filter { $0 == .constructFile }.count
            try await writer.synchronize()
            _ = try await writer.finish(linkingIn: .root, name: Files.name)
            return (stored, cluster.shards.kinds.filter { $0 == .constructFile }.count - before)
        }
        #expect(stored == bytes[..<1000] + [1, 2, 3] + bytes[1003..<2000])
        // It was whole.
        #expect(constructions == 0)
    }
}

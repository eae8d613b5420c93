import Client
import Erasure
import Protocol
import Synchronization
import TestSupport
import Testing

/// What a file costs that refers to what another one has, or had itself before it was changed.
@Suite(.timeLimit(.minutes(2))) struct ReferringTests {
    typealias Files = FileRoundTripTests

    private static let span: UInt64 = 1 << 20
    private static let other = InodeID(type: .directory, shard: ShardID(rawValue: 0), index: 101)

    /// What was stored and fetched since.
    private struct Traffic: Sendable {
        var placed: [UInt64]
        var fetchedBytes: Int
        var referredBytes: UInt64

        init(_ cluster: FakeCluster) {
            placed = cluster.shards.placements.map { UInt64($0.size) }
            fetchedBytes = cluster.blocks.fetchedBytes
            referredBytes = cluster.shards.referredBytes
        }

        func since(_ before: Traffic) -> Traffic {
            var since = self
            since.placed.removeFirst(before.placed.count)
            since.fetchedBytes -= before.fetchedBytes
            since.referredBytes -= before.referredBytes
            return since
        }
    }

    private static func run<T: Sendable>(
        _ extensions: Set<ProtocolExtension> = [.fetchPageSums, .sharedSpans],
        _ body: @escaping @Sendable (FakeCluster) async throws -> T
    ) async throws -> T {
        try await FakeCluster.run(extensions: extensions, body)
    }

    private static func finish(_ writer: FileWriter, _ cluster: FakeCluster) async throws -> [UInt8] {
        _ = try await writer.finish(linkingIn: .root, name: [66])
        return try await Files.readAll(writer.id, cluster)
    }

    // MARK: Costs

    @Test func appendingStoresWhatIsAppended() async throws {
        let bytes = Files.content(24 * Int(Self.span) + 500_000)
        let added = Files.content(1024, seed: 2)
        let (traffic, stored, read) = try await Self.run { cluster in
            let id = try await Files.write(bytes, cluster)
            let before = Traffic(cluster)
            let writer = try await cluster.client.continueFile(
                id, size: UInt64(bytes.count), in: .root, note: Files.name)
            // The old version may go from now on.
            cluster.shards.forget(id)
            try await writer.write(added, at: UInt64(bytes.count))
            try await writer.synchronize()
            let stored = cluster.shards.files[writer.id]?.size ?? 0
            _ = try await writer.finish(linkingIn: .root, name: [66])
            let traffic = Traffic(cluster).since(before)
            return (traffic, stored, try await Files.readAll(writer.id, cluster))
        }
        #expect(areEqual(read, bytes + added))
        let page = UInt64(bytes.count / 4096 * 4096)
        #expect(stored == page && traffic.referredBytes == page)
        // The copy for fsync, and the span: what is added, and what its first page had.
        #expect(traffic.placed.count == 2 && traffic.placed.allSatisfy { $0 <= 4096 + 1024 })
        #expect(traffic.fetchedBytes < 300_000)
    }

    @Test func patchingStoresOneSpan() async throws {
        let bytes = Files.content(24 * Int(Self.span) + 100_000)
        let patch = Files.content(4096, seed: 2)
        let (written, traffic, read) = try await Self.run { cluster in
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write(bytes, at: 0)
            try await writer.stored()
            let before = Traffic(cluster)
            try await writer.write(patch, at: 10 * Self.span + 100_000)
            try await writer.synchronize()
            let written = Traffic(cluster).since(before)
            let read = try await Self.finish(writer, cluster)
            return (written, Traffic(cluster).since(before), read)
        }
        #expect(areEqual(read, bytes[..<10_585_760] + patch + bytes[10_589_856...]))
        // The open span is copied for the fsync.
        #expect(written.placed.filter { $0 == Self.span }.count == 1 && written.placed.count == 2)
        #expect(written.referredBytes == 23 * Self.span)
        // A slow fetch is hedged.
        #expect(written.fetchedBytes < 4 * Int(Self.span))
        #expect(traffic.placed.count == 3)
    }

    @Test(arguments: [(3_900_000, true), (3_300_000, false)])
    func cuttingStoresLessThanItFrees(size: Int, isCut: Bool) async throws {
        let bytes = Files.content(5 * Int(Self.span))
        let (traffic, read) = try await Self.run { cluster in
            let id = try await Files.write(bytes, cluster)
            let before = Traffic(cluster)
            let writer = try await cluster.client.continueFile(
                id, size: UInt64(bytes.count), in: .root, note: Files.name)
            try await writer.truncate(to: UInt64(size))
            _ = try await writer.finish(linkingIn: .root, name: [66])
            return (Traffic(cluster).since(before), try await Files.readAll(writer.id, cluster))
        }
        #expect(areEqual(read, Array(bytes[..<size])))
        let page = UInt64(size / 4096 * 4096)
        let (whole, rest) = (3 * Self.span, UInt64(size) - page)
        #expect(traffic.placed == (isCut ? [rest] : [page - whole, rest]))
        #expect(traffic.referredBytes == 5 * Self.span + (isCut ? page : whole))
    }

    @Test func appendingToAHoleNeedsNoReading() async throws {
        let (traffic, size, end) = try await Self.run { cluster in
            let first = try await cluster.client.createFile(in: .root, note: Files.name)
            try await first.write(Files.content(3_000_000), at: 0)
            try await first.truncate(to: 1 << 40)
            _ = try await first.finish(linkingIn: .root, name: Files.name)
            let before = Traffic(cluster)
            let writer = try await cluster.client.continueFile(first.id, size: 1 << 40, in: .root, note: Files.name)
            try await writer.write([1, 2, 3], at: 1 << 40)
            _ = try await writer.finish(linkingIn: .root, name: [66])
            let traffic = Traffic(cluster).since(before)
            let reader = try await cluster.client.open(writer.id)
            return (traffic, reader.size, try await reader.read(at: (1 << 40) - 2, count: 10).bytes)
        }
        #expect(size == (1 << 40) + 3 && end == [0, 0, 1, 2, 3])
        #expect(traffic.placed.isEmpty && traffic.fetchedBytes == 0)
    }

    /// However long a file is: not every span is looked at each time something is added.
    @Test func addingToALongFileAsksLittle() async throws {
        let bytes = Files.content(300 * 8192)
        let (requests, read) = try await FakeCluster.run(
            largestSpan: 8192, stripe: 8192, extensions: [.fetchPageSums, .sharedSpans]
        ) { cluster in
            var id = try await Files.write(bytes, cluster)
            var requests: [Int] = []
            for step in 0..<3 {
                let before = cluster.shards.kinds.count
                let writer = try await cluster.client.continueFile(
                    id, size: UInt64(bytes.count + step), in: .root, note: Files.name)
                try await writer.write([7], at: UInt64(bytes.count + step))
                _ = try await writer.finish(linkingIn: .root, name: Files.name)
                requests.append(cluster.shards.kinds[before...].filter { $0 == .fileSpans }.count)
                id = writer.id
            }
            return (requests, try await Files.readAll(id, cluster))
        }
        #expect(areEqual(read, bytes + [7, 7, 7]))
        #expect(requests.allSatisfy { (1...4).contains($0) }, "\(requests)")
    }

    // MARK: Copies

    @Test func aCopyMovesNoData() async throws {
        let bytes = Files.content(6 * Int(Self.span) + 25 * 4096)
        let (traffic, isDone, read) = try await Self.run { cluster in
            let id = try await Files.write(bytes, cluster)
            let before = Traffic(cluster)
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            let isDone = try await writer.append(referringTo: id, 0..<UInt64(bytes.count))
            let read = try await Self.finish(writer, cluster)
            return (Traffic(cluster).since(before), isDone, read)
        }
        #expect(isDone && areEqual(read, bytes))
        #expect(traffic.placed.isEmpty && traffic.referredBytes == UInt64(bytes.count))
    }

    /// What is open goes before, and more can come after.
    @Test func partsAreReferredToBetweenOthers() async throws {
        let bytes = Files.content(4 * Int(Self.span))
        let own = Files.content(10 * 4096, seed: 3)
        let (isDone, isDoneTwice, read) = try await Self.run { cluster in
            let id = try await Files.write(bytes, cluster)
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write(own, at: 0)
            let isDone = try await writer.append(referringTo: id, Self.span..<3 * Self.span)
            let isDoneTwice = try await writer.append(referringTo: id, 0..<Self.span)
            try await writer.write(own, at: 10 * 4096 + 3 * Self.span)
            try await writer.write([1, 2, 3], at: 5)
            return (isDone, isDoneTwice, try await Self.finish(writer, cluster))
        }
        let span = Int(Self.span)
        var expected = own + bytes[span..<3 * span] + bytes[..<span] + own
        expected.replaceSubrange(5..<8, with: [1, 2, 3])
        #expect(isDone && isDoneTwice && areEqual(read, expected))
    }

    /// The servers lose the first request, so that something else is written before the reference is there.
    @Test func whatIsWrittenDuringACopyStays() async throws {
        let bytes = Files.content(2 * Int(Self.span))
        let (isDone, read) = try await Self.run { cluster in
            let id = try await Files.write(bytes, cluster)
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            let isLost = Atomic(false)
            cluster.shards.fate = { kind, repetition in
                guard kind == ShardKind.referSpans.rawValue, repetition == 0 else { return .normal }
                isLost.store(true, ordering: .relaxed)
                return .loseRequest
            }
            async let copied = writer.append(referringTo: id, 0..<UInt64(bytes.count))
            while !isLost.load(ordering: .relaxed) { await cluster.client.loop.sleep(nanoseconds: 1_000_000) }
            try await writer.write([7], at: 100)
            return (try await copied, try await Self.finish(writer, cluster))
        }
        #expect(!isDone)
        #expect(areEqual(read, Array(repeating: 0, count: 100) + [7]))
    }

    @Test(arguments: [(1, 2 << 20), (0, (2 << 20) - 1)]) func whatEndsWithinAPageIsMoved(own: Int, end: Int) async throws {
        let bytes = Files.content(2 * Int(Self.span))
        let isDone = try await Self.run { cluster in
            let id = try await Files.write(bytes, cluster)
            let writer = try await cluster.client.createFile(in: .root, note: Files.name)
            try await writer.write(Array(repeating: 7, count: own), at: 0)
            let isDone = try await writer.append(referringTo: id, 0..<UInt64(end))
            #expect(areEqual(try await Self.finish(writer, cluster), Array(repeating: 7, count: own)))
            return isDone
        }
        #expect(!isDone)
    }

    // MARK: When not

    /// What is not in blocks is as good as any, and hides at both ends that the rest is not.
    @Test func whatOtherPoliciesMadeIsCopied() async throws {
        let data = Files.content(3 * Int(Self.span))
        let hole: [UInt8] = Array(repeating: 0, count: 2 << 20)
        let start = [1] + hole.dropFirst()
        let parity = Parity(data: 1, parity: 1)
        let (traffic, parities, read) = try await Self.run { cluster in
            let info = try DirectoryInfo.sternaRootDefault(
                span: .uniform(parity, maxSize: UInt32(Self.span)), block: .uniform(.flash),
                stripe: StripePolicy(targetStripeSize: 65536))
            cluster.shards.directories = [Self.other: (.root, info)]
            let old = try await cluster.client.createFile(in: .root, note: Files.name)
            try await old.write([1], at: 0)
            try await old.write(data, at: UInt64(hole.count))
            try await old.write([5], at: UInt64(data.count + 2 * hole.count))
            _ = try await old.finish(linkingIn: .root, name: Files.name)
            let before = Traffic(cluster)
            let writer = try await cluster.client.continueFile(
                old.id, size: UInt64(data.count + 2 * hole.count + 1), in: Self.other, note: Files.name)
            try await writer.write([7], at: UInt64(data.count + 2 * hole.count + 1))
            let read = try await Self.finish(writer, cluster)
            let traffic = Traffic(cluster).since(before)
            return (traffic, cluster.shards.placements.suffix(traffic.placed.count).map(\.parity), read)
        }
        #expect(areEqual(read, start + data + hole + [5, 7]))
        #expect(traffic.placed.reduce(0, +) == UInt64(data.count))
        #expect(parities.allSatisfy { $0 == parity })
    }

    @Test(arguments: 0..<4) func whatIsRefusedIsCopied(referencesBefore: Int) async throws {
        let bytes = Files.content(8 * Int(Self.span) + 100_000)
        let (traffic, read) = try await Self.run { cluster in
            let id = try await Files.write(bytes, cluster)
            let before = Traffic(cluster)
            cluster.shards.referencesBeforeRefusal = referencesBefore
            let writer = try await cluster.client.continueFile(
                id, size: UInt64(bytes.count), in: .root, note: Files.name)
            try await writer.write([7], at: 100)
            let read = try await Self.finish(writer, cluster)
            return (Traffic(cluster).since(before), read)
        }
        #expect(areEqual(read, bytes[..<100] + [7] + bytes[101...]))
        // Three steps make the reference to all of the base; then the file is patched.
        #expect(traffic.placed.filter { $0 == Self.span }.count == 8)
    }

    @Test func withoutTheExtensionNothingIsAskedForIt() async throws {
        let bytes = Files.content(3 * Int(Self.span))
        let (kinds, read) = try await Self.run([.fetchPageSums]) { cluster in
            let id = try await Files.write(bytes, cluster)
            let writer = try await cluster.client.continueFile(
                id, size: UInt64(bytes.count), in: .root, note: Files.name)
            try await writer.write([7], at: 100)
            let read = try await Self.finish(writer, cluster)
            return (Set(cluster.shards.kinds), read)
        }
        #expect(areEqual(read, bytes[..<100] + [7] + bytes[101...]))
        #expect(kinds.isDisjoint(with: [.referSpans, .fileSpans, .fileReferences]))
    }

    /// A machine that slept for long: its unfinished files were collected.
    @Test func aLostFileIsMadeFromItsBaseAgain() async throws {
        let bytes = Files.content(3 * Int(Self.span) + 100_000)
        let read = try await Self.run { cluster in
            let shards = cluster.shards
            cluster.client.core.openFiles.clock = { shards.time }
            let id = try await Files.write(bytes, cluster)
            let writer = try await cluster.client.continueFile(
                id, size: UInt64(bytes.count), in: .root, note: Files.name)
            try await writer.write([7], at: UInt64(bytes.count))
            shards.pass(3 * 3_600_000_000_000)
            shards.collectExpired()
            return try await Self.finish(writer, cluster)
        }
        #expect(areEqual(read, bytes + [7]))
    }

    /// Their blocks hold more than shows; not so those that end in zeros.
    @Test(arguments: [(131_072, false), (131_000, false), (70_000, false), (65_536, true), (126_976, true)])
    func whatIsCutShows(size: Int, isCut: Bool) {
        let shown = Files.content(size)
        let stored = isCut ? Files.content(131_072) : shown + Array(repeating: 0, count: 131_072 - size)
        let blocks = FetchedBlocksSpan(
            parity: Parity(data: 2, parity: 1), stripes: 2, cellSize: 32_768, blocks: [],
            stripesCrc: [CRC32C(of: Array(stored[..<65_536])), CRC32C(of: Array(stored[65_536...]))])
        let header = FetchedSpanHeader(
            byteOffset: 0, size: UInt32(size), crc: CRC32C(of: shown), storageClass: .flash)
        #expect(FetchedSpan(header: header, body: .blocks(blocks)).isCut == isCut)
    }

    // MARK: The rule

    private static func policies(_ parity: Parity, _ storageClass: StorageClass = .flash) throws -> WritePolicies {
        try #require(
            WritePolicies(
                span: SpanPolicy(entries: [SpanPolicyEntry(maxSize: 1 << 20, parity: parity)]),
                block: BlockPolicy(entries: [BlockPolicyEntry(storageClass: storageClass, minSize: 0)]),
                stripe: StripePolicy(targetStripeSize: 1 << 20)))
    }

    /// A span of two blocks of 64 KiB and one of parity at 4096, of which the file shows `size` bytes.
    private static func span(_ size: UInt32, in locations: [UInt8] = [0]) throws -> CheckedSpan {
        let block = FetchedBlock(blockServiceIx: 0, blockId: BlockID(rawValue: 1), crc: .zero)
        let copies = locations.map { location in
            FetchedBlockServices(
                locationId: LocationID(rawValue: location), storageClass: .flash, parity: Parity(data: 2, parity: 1),
                stripes: 1, cellSize: 65536, blocks: [block, block, block], stripesCrc: [.zero])
        }
        let header = FetchedSpanHeaderFull(byteOffset: 4096, size: size, crc: .zero, isInline: false)
        let service = BlockService(
            addrs: AddrsInfo(addr1: IpPort(addrs: .any, port: 1), addr2: IpPort(addrs: .any, port: 0)),
            id: BlockServiceID(rawValue: 1), flags: [])
        return try CheckedSpan(
            FetchedFullSpan(header: header, body: .locations(FetchedLocations(locations: copies))),
            services: [service])
    }

    @Test func onlyWhatAWriterWouldStoreIsReferredTo() throws {
        let parity = Parity(data: 2, parity: 1)
        let fitting = try Self.policies(parity)
        for size in [1, 5000, 131_072, 500_000] as [UInt32] {
            let span = try Self.span(size)
            #expect(span.referableBytes(before: .max, fitting, mayCut: false) == UInt64(size))
            #expect(span.referableBytes(before: 4096 + UInt64(size), fitting, mayCut: false) == UInt64(size))
        }
        let span = try Self.span(131_072)
        #expect(try span.referableBytes(before: .max, Self.policies(Parity(data: 1, parity: 1)), mayCut: true) == 0)
        #expect(try span.referableBytes(before: .max, Self.policies(parity, .hdd), mayCut: true) == 0)
        #expect(try Self.span(131_072, in: [3, 0]).referableBytes(before: .max, fitting, mayCut: true) == 131_072)
        #expect(try Self.span(131_072, in: [3]).referableBytes(before: .max, fitting, mayCut: true) == 0)
        #expect(try Self.span(2 << 20).referableBytes(before: .max, fitting, mayCut: true) == 0)
    }

    /// At a page, if at least half of what is stored shows.
    @Test(arguments: [
        (4096, 0), (4097, 0), (65536, 0), (69_631, 0), (69_632, 65536), (100_000, 94_208), (135_167, 126_976),
        (135_168, 131_072),
    ] as [(UInt64, UInt64)])
    func aSpanIsCutWhereThatIsWorthIt(end: UInt64, kept: UInt64) throws {
        let policies = try Self.policies(Parity(data: 2, parity: 1))
        let span = try Self.span(131_072)
        #expect(span.referableBytes(before: end, policies, mayCut: true) == kept)
        #expect(span.referableBytes(before: end, policies, mayCut: false) == (kept == 131_072 ? kept : 0))
    }
}

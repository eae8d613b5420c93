import Client
import MaintenanceState
import Protocol
import Relayout
import Synchronization
import Testing

/// Which spans are stored anew, and that errors stay with the span or file they concern.
@Suite(.timeLimit(.minutes(1))) struct DefragmenterTests {
    private static let mebibyte: UInt32 = 1 << 20

    private static func policies(_ parity: Parity, _ storageClass: StorageClass = .flash) throws -> WritePolicies {
        try #require(
            WritePolicies(
                span: SpanPolicy(entries: [SpanPolicyEntry(maxSize: 8 << 20, parity: parity)]),
                block: BlockPolicy(entries: [BlockPolicyEntry(storageClass: storageClass, minSize: 0)]),
                stripe: StripePolicy(targetStripeSize: mebibyte)))
    }

    private static func span(_ layout: SpanLayout, size: UInt32, offset: UInt64 = 0) -> FetchedSpan {
        let blocks = (0..<layout.blocks).map {
            FetchedBlock(blockServiceIx: 0, blockId: BlockID(rawValue: UInt64($0)), crc: CRC32C(rawValue: 0))
        }
        return FetchedSpan(
            header: FetchedSpanHeader(
                byteOffset: offset, size: size, crc: CRC32C(rawValue: 0), storageClass: layout.storageClass),
            body: .blocks(
                FetchedBlocksSpan(
                    parity: layout.parity, stripes: UInt8(layout.stripes), cellSize: UInt32(layout.cellBytes),
                    blocks: blocks, stripesCrc: Array(repeating: CRC32C(rawValue: 0), count: layout.stripes))))
    }

    @Test(arguments: [4096, 5_000, 100_000, 1 << 20, 3_000_000, 8 << 20] as [UInt32])
    func aSpanFitsThePoliciesThatMadeItAndNoOthers(size: UInt32) throws {
        let (coded, mirrored) = (Parity(data: 4, parity: 2), Parity(data: 1, parity: 2))
        let old = try Self.policies(coded)
        let layout = try #require(old.layout(dataBytes: Int(size)))
        let span = Self.span(layout, size: size)
        let filter = DefragFilter()
        #expect(filter.misfit(span, old) == nil)
        #expect(filter.misfit(span, try Self.policies(mirrored)) == layout)
        #expect(filter.misfit(span, try Self.policies(coded, .hdd)) == layout)
        #expect(DefragFilter(minimumSpanBytes: size + 1).misfit(span, try Self.policies(mirrored)) == nil)
        #expect(DefragFilter(storageClass: .hdd).misfit(span, try Self.policies(mirrored)) == nil)
        #expect(DefragFilter(storageClass: .flash).misfit(span, try Self.policies(mirrored)) == layout)
    }

    @Test func spansThatThePoliciesCannotCutAreLetBe() throws {
        let policies = try Self.policies(Parity(data: 1, parity: 2))
        let large = try #require(
            SpanLayout(parity: Parity(data: 4, parity: 2), stripes: 15, cellBytes: 1 << 20, storageClass: .flash))
        #expect(DefragFilter().misfit(Self.span(large, size: 60 << 20), policies) == nil)
        let inline = FetchedSpan(
            header: FetchedSpanHeader(byteOffset: 0, size: 10, crc: CRC32C(rawValue: 0), storageClass: .inline),
            body: .inline(FetchedInlineSpan(body: [1, 2])))
        #expect(DefragFilter().misfit(inline, policies) == nil)
    }

    @Test func spansThatMakeNoSenseAreFailures() async throws {
        let old = try Self.policies(Parity(data: 4, parity: 2))
        let layout = try #require(old.layout(dataBytes: 1 << 20))
        let cluster = FakeNamespace(directories: 2, filesPerDirectory: 3) { offset in
            var span = Self.span(layout, size: Self.mebibyte, offset: offset)
            if offset == 0, case .blocks(var blocks) = span.body {
                blocks.blocks.removeLast()
                span.body = .blocks(blocks)
            }
            return span
        }
        cluster.policies = try Self.policies(Parity(data: 1, parity: 2))
        let errors = Mutex<[ClientError]>([])
        let tally = await Defragmenter(cluster: cluster, filter: DefragFilter(), filesAtOnce: 3) { _, _, error in
            errors.withLock { $0.append(error) }
        }.defragment(FakeNamespace.shard)
        #expect(tally.failures == 6 && tally.rewrittenSpans == 6)
        #expect(errors.withLock { $0.allSatisfy { $0.cause == .malformedAnswer } })
    }

    @Test func everyMisfitOfAShardIsRewrittenAndErrorsStayWhereTheyAre() async throws {
        let old = try Self.policies(Parity(data: 4, parity: 2))
        let layout = try #require(old.layout(dataBytes: 1 << 20))
        let cluster = FakeNamespace(directories: 5, filesPerDirectory: 7) { offset in
            Self.span(layout, size: Self.mebibyte, offset: offset)
        }
        cluster.policies = try Self.policies(Parity(data: 1, parity: 2))
        let errors = Mutex<[InodeID?]>([])
        let defragmenter = Defragmenter(cluster: cluster, filter: DefragFilter(), filesAtOnce: 3) { _, inode, _ in
            errors.withLock { $0.append(inode) }
        }
        let bad = cluster.files[3]
        cluster.failing = [bad]
        let places = Mutex<[ShardPlace]>([])
        let tally = await defragmenter.defragment(FakeNamespace.shard) { place in places.withLock { $0.append(place) } }
        #expect(tally.visitedDirectories == 5 && tally.analysedFiles == 35)
        #expect(tally.rewrittenSpans == 34 * 2 && tally.rewrittenFiles == 34 && tally.failures == 2)
        #expect(tally.blocksBefore == 34 * 2 * 6 && tally.blocksAfter == 34 * 2 * 3)
        #expect(errors.withLock { $0 } == [bad, bad])
        let place = try #require(places.withLock { $0.dropFirst(3).first })
        let rest = await defragmenter.defragment(FakeNamespace.shard, from: place)
        #expect(rest.visitedDirectories == 2)
        cluster.failing = []
        cluster.distributed = [
            bad: [LocationID(rawValue: 1)], cluster.files[4]: [.default, LocationID(rawValue: 1)],
        ]
        let located = await defragmenter.defragment(FakeNamespace.shard)
        #expect(located.distributedSpans == 4 && located.rewrittenSpans == 33 * 2 && located.failures == 0)
        cluster.changing = [bad, cluster.files[5]]
        cluster.distributed = [:]
        let changed = await defragmenter.defragment(FakeNamespace.shard)
        #expect(changed.rewrittenSpans == 33 * 2 && changed.failures == 0)
        cluster.policies = old
        #expect(await defragmenter.defragment(FakeNamespace.shard).rewrittenSpans == 0)
    }
}

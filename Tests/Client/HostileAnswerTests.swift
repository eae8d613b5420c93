import Client
import EventLoop
import Protocol
import Testing

/// Servers that send nonsense: errors, never crashes, never wrong bytes.
@Suite(.timeLimit(.minutes(1))) struct HostileAnswerTests {
    private static func service(_ index: UInt8) -> BlockService {
        let none = AddrsInfo(addr1: IpPort(addrs: .any, port: 1), addr2: IpPort(addrs: .any, port: 0))
        return BlockService(addrs: none, id: BlockServiceID(rawValue: UInt64(index)), flags: [])
    }

    private static func span(
        offset: UInt64 = 0, size: UInt32 = 8192, parity: UInt8 = 0x22, stripes: UInt8 = 1, cell: UInt32 = 4096,
        blocks: Int = 4, service: UInt8 = 0
    ) -> FetchedSpan {
        let block = FetchedBlock(blockServiceIx: service, blockId: BlockID(rawValue: 1), crc: .zero)
        return FetchedSpan(
            header: FetchedSpanHeader(byteOffset: offset, size: size, crc: .zero, storageClass: .flash),
            body: .blocks(
                FetchedBlocksSpan(
                    parity: Parity(rawValue: parity), stripes: stripes, cellSize: cell,
                    blocks: Array(repeating: block, count: blocks),
                    stripesCrc: Array(repeating: .zero, count: Int(stripes)))))
    }

    @Test func impossibleSpansAreRefused() throws {
        let services = [Self.service(1)]
        _ = try SpanInfo(Self.span(), services: services)
        let bad = [
            Self.span(offset: 1), Self.span(offset: .max - 4095), Self.span(size: 0),
            Self.span(parity: 0x20, blocks: 2),
            Self.span(stripes: 0), Self.span(stripes: 16), Self.span(cell: 0), Self.span(cell: 4097),
            Self.span(cell: 0xffff_f000), Self.span(blocks: 3), Self.span(service: 1),
        ]
        for span in bad { #expect(throws: ImpossibleSpan.self) { try SpanInfo(span, services: services) } }
        let inline = FetchedSpan(
            header: FetchedSpanHeader(byteOffset: 0, size: 2, crc: .zero, storageClass: .inline),
            body: .inline(FetchedInlineSpan(body: [1, 2, 3])))
        #expect(throws: ImpossibleSpan.self) { try SpanInfo(inline, services: services) }
    }

    /// What a block server may send instead of an answer.
    static let nonsense: [[UInt8]] = [
        [], [0], Array(repeating: 0xff, count: 100), Array("BLO\u{1}".utf8) + [9], Array("BLO\u{1}".utf8) + [0, 66],
        Array("BLO\u{1}".utf8) + [4] + Array(repeating: 1, count: 5000), Array("BLO\u{0}".utf8) + [4, 1, 2],
    ]

    @Test(arguments: nonsense) func blockServersThatTalkNonsense(answer: [UInt8]) async throws {
        let failed = try await FakeCluster.run { cluster in
            let listener = try TCPListener(on: cluster.loop, binding: .loopback(port: 0)) { connection in
                connection.onData = { _ in
                    connection.write(answer)
                    connection.closeAfterWriting()
                }
                connection.onEnd = { _ in connection.close() }
                connection.resumeReading()
            }
            let service = BlockService(
                addrs: FakeShards.addresses(listener.localAddress), id: BlockServiceID(rawValue: 1), flags: [])
            let memory = cluster.client.core.pool.take(8192)
            let sums = PageSums(ofBytes: 8192)
            let outcome: Result<MAC?, ClientError> = await withCheckedContinuation { continuation in
                guard let memory else { return continuation.resume(returning: .success(nil)) }
                let request = FetchBlockWithCrcRequest(
                    fileId: .null, blockId: BlockID(rawValue: 5), blockCrc: .zero, offset: 0, count: 8192)
                let operation = BlockOperation(
                    request, service, answer: .pages(destination: memory.base, bytes: 8192, sums: sums.values)
                ) { result in withExtendedLifetime((memory, sums)) { continuation.resume(returning: result) } }
                cluster.client.core.blocks.submit(operation, purpose: .fetch)
            }
            listener.close()
            if case .failure = outcome { return true }
            return false
        }
        #expect(failed)
    }

    @Test func aDeadBlockServerIsAnError() async throws {
        let failed = try await FakeCluster.run { cluster in
            // Bound and closed again: nobody listens there.
            let listener = try TCPListener(on: cluster.loop, binding: .loopback(port: 0)) { $0.close() }
            let address = FakeShards.addresses(listener.localAddress)
            listener.close()
            let service = BlockService(addrs: address, id: BlockServiceID(rawValue: 1), flags: [])
            let outcome: Result<MAC?, ClientError> = await withCheckedContinuation { continuation in
                let request = CheckBlockRequest(blockId: BlockID(rawValue: 1), size: 4096, crc: .zero)
                let operation = BlockOperation(request, service, answer: .none) { continuation.resume(returning: $0) }
                cluster.client.core.blocks.submit(operation, purpose: .check)
            }
            if case .failure(let error) = outcome { return error.cause == .blockTransfer }
            return false
        }
        #expect(failed)
    }
}

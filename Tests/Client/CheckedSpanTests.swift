import Client
import Protocol
import Testing

/// Descriptions of spans that cannot be, as a shard in disorder or a stranger may send them.
@Suite struct CheckedSpanTests {
    private static let service = BlockService(
        addrs: AddrsInfo(addr1: IpPort(addrs: .any, port: 1), addr2: IpPort(addrs: .any, port: 0)),
        id: BlockServiceID(rawValue: 1), flags: [])

    private static func copy(
        _ location: UInt8 = 0, _ change: (inout FetchedBlockServices) -> Void = { _ in }
    ) -> FetchedBlockServices {
        let block = FetchedBlock(blockServiceIx: 0, blockId: BlockID(rawValue: 1), crc: .zero)
        var copy = FetchedBlockServices(
            locationId: LocationID(rawValue: location), storageClass: .flash, parity: Parity(data: 2, parity: 1),
            stripes: 2, cellSize: 4096, blocks: [block, block, block], stripesCrc: [.zero, .zero])
        change(&copy)
        return copy
    }

    private static func span(
        _ copies: [FetchedBlockServices], at offset: UInt64 = 8192, size: UInt32 = 10_000
    ) -> FetchedFullSpan {
        FetchedFullSpan(
            header: FetchedSpanHeaderFull(byteOffset: offset, size: size, crc: .zero, isInline: false),
            body: .locations(FetchedLocations(locations: copies)))
    }

    private func reason(_ span: FetchedFullSpan) -> String? {
        do throws(ImpossibleSpan) {
            _ = try CheckedSpan(span, services: [Self.service])
            return nil
        } catch {
            #expect(error.byteOffset == span.header.byteOffset)
            return error.reason
        }
    }

    @Test func whatMakesSenseIsTaken() throws {
        let checked = try CheckedSpan(Self.span([Self.copy(), Self.copy(3)]), services: [Self.service])
        guard case .blocks(let copies) = checked.content else {
            Issue.record("\(checked)")
            return
        }
        #expect(copies.map(\.location.rawValue) == [0, 3] && checked.byteOffset == 8192 && checked.size == 10_000)
        #expect(copies.allSatisfy { $0.blocks.count == 3 && $0.layout.blockBytes == 8192 })
        let inline = FetchedFullSpan(
            header: FetchedSpanHeaderFull(byteOffset: 0, size: 5, crc: .zero, isInline: true),
            body: .inline(FetchedInlineSpan(body: [1, 2])))
        guard case .inline([1, 2]) = try CheckedSpan(inline, services: []).content else {
            Issue.record("\(inline)")
            return
        }
    }

    @Test func nothingImpossibleIs() {
        let changes: [(inout FetchedBlockServices) -> Void] = [
            { $0.storageClass = .empty }, { $0.storageClass = .inline }, { $0.parity = Parity(rawValue: 0x10) },
            { $0.stripes = 0 }, { $0.stripes = 16 }, { $0.cellSize = 0 }, { $0.cellSize = 4097 },
            { $0.cellSize = 0xffff_f000 }, { $0.blocks.removeLast() }, { $0.blocks.append($0.blocks[0]) },
            { $0.blocks[1].blockServiceIx = 1 }, { $0.stripesCrc.removeLast() }, { $0.stripesCrc.append(.zero) },
        ]
        for (index, change) in changes.enumerated() {
            #expect(reason(Self.span([Self.copy(0, change)])) != nil, "change \(index)")
            // Nor is one beside a copy that makes sense.
            #expect(reason(Self.span([Self.copy(1), Self.copy(0, change)])) != nil, "change \(index)")
        }
        #expect(reason(Self.span([])) != nil)
        #expect(reason(Self.span([Self.copy(), Self.copy()])) != nil)
        #expect(reason(Self.span([Self.copy()], at: 8193)) != nil)
        #expect(reason(Self.span([Self.copy()], at: .max - 4095)) != nil)
        #expect(reason(Self.span([Self.copy()], size: 0)) != nil)
        let inline = FetchedFullSpan(
            header: FetchedSpanHeaderFull(byteOffset: 0, size: 1, crc: .zero, isInline: true),
            body: .inline(FetchedInlineSpan(body: [1, 2])))
        #expect(reason(inline) != nil)
    }
}

import Client
import Filesystem
import Protocol
import Testing

/// The text of `user.sterna.*`.
@Suite struct PlacementListTests {
    @Test func namesAreExact() {
        let known: [(String, PlacementAttribute)] = [
            ("inode", .inode), ("shard", .shard), ("policy", .policy), ("spans", .spans(from: 0)),
            ("blocks", .blocks(from: 0)), ("spans@4096", .spans(from: 4096)),
            ("blocks@18446744073709551615", .blocks(from: .max)),
        ]
        for (name, attribute) in known {
            #expect(PlacementAttribute(Array("user.sterna.\(name)".utf8)) == attribute, "\(name)")
        }
        for name in [
            "", "other", "Inode", "inode@0", "spans@", "spans@-1", "spans@+1", "spans@1@2",
            "blocks@18446744073709551616",
        ] {
            #expect(PlacementAttribute(Array("user.sterna.\(name)".utf8)) == nil, "\(name)")
            #expect(PlacementAttribute.reserves(Array("user.sterna.\(name)".utf8)))
        }
        #expect(!PlacementAttribute.reserves(Array("user.sterna".utf8)))
        #expect(PlacementAttribute(Array("user.origin".utf8)) == nil)
    }

    private static let services = (0..<6).map {
        BlockService(
            addrs: .init(addr1: .init(addrs: .any, port: 1), addr2: .init(addrs: .any, port: 0)),
            id: BlockServiceID(rawValue: 0x10 + $0), flags: [])
    }

    private static func span(at offset: UInt64, _ parity: Parity, locations: [UInt8] = [0]) throws -> CheckedSpan {
        let copies = locations.map { location in
            FetchedBlockServices(
                locationId: LocationID(rawValue: location), storageClass: .hdd, parity: parity, stripes: 1,
                cellSize: 4096,
                blocks: (0..<parity.blocks).map {
                    FetchedBlock(blockServiceIx: UInt8($0), blockId: BlockID(rawValue: 0xA0 + UInt64($0)), crc: .zero)
                }, stripesCrc: [.zero])
        }
        let header = FetchedSpanHeaderFull(byteOffset: offset, size: 4096, crc: .zero, isInline: false)
        return try CheckedSpan(
            FetchedFullSpan(header: header, body: .locations(FetchedLocations(locations: copies))), services: services)
    }

    private static func inline(at offset: UInt64, _ bytes: [UInt8]) throws -> CheckedSpan {
        let header = FetchedSpanHeaderFull(byteOffset: offset, size: 4096, crc: .zero, isInline: true)
        return try CheckedSpan(
            FetchedFullSpan(header: header, body: .inline(FetchedInlineSpan(body: bytes))), services: [])
    }

    private static func text(_ list: PlacementList) -> String { String(decoding: list.bytes, as: UTF8.self) }

    @Test func aLineForEachSpanAndBlock() throws {
        let spans = [
            try Self.span(at: 0, Parity(data: 2, parity: 1)),
            try Self.span(at: 4096, Parity(data: 1, parity: 1), locations: [0, 3]),
            try Self.span(at: 8192, Parity(data: 1, parity: 0)), try Self.inline(at: 12288, [1]),
            try Self.inline(at: 16384, []), try Self.inline(at: 20480, [0]),
        ]
        var list = PlacementList(.spans)
        for span in spans { list.append(span) }
        #expect(
            Self.text(list) == """
                0 4096 HDD rs:2,1 location 0
                4096 4096 HDD mirror:2 location 0
                4096 4096 HDD mirror:2 location 3
                8192 4096 HDD single location 0
                12288 4096 INLINE
                16384 4096 HOLE
                20480 4096 HOLE

                """)
        // A domain says what anybody wants it to.
        let domains = [
            BlockServiceID(rawValue: 0x10): FailureDomain(name: "rack one"),
            BlockServiceID(rawValue: 0x11): FailureDomain(name: "a\nb"),
        ]
        var blocks = PlacementList(.blocks, domains: domains)
        for span in spans { blocks.append(span) }
        let lines = Self.text(blocks).split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.count == 8)
        #expect(lines.map { $0[0] } == ["0", "0", "0", "4096", "4096", "4096", "4096", "8192"])
        #expect(lines.map { $0[1] } == ["0", "0", "0", "0", "0", "3", "3", "0"])
        #expect(lines.map { $0[2] } == ["0", "1", "2", "0", "1", "0", "1", "0"])
        #expect(lines.map { $0[5] } == ["rack_one", "a_b", "?", "rack_one", "a_b", "rack_one", "a_b", "rack_one"])
        #expect(lines[1][3] == BlockID(rawValue: 0xA1).description)
        #expect(lines[1][4] == BlockServiceID(rawValue: 0x11).description)
    }

    @Test(arguments: [PlacementList.Kind.spans, .blocks])
    func aLongOneIsCutAndSaysWhereItGoesOn(_ kind: PlacementList.Kind) throws {
        var (offset, pieces, seen) = (UInt64(0), 0, Set<String>())
        // As somebody reads it who follows the last line of each value.
        while pieces < 100 {
            var list = PlacementList(kind)
            var next = offset
            while next < 4096 * 3000, !list.isFull {
                list.append(try Self.span(at: next, Parity(data: 2, parity: 1)))
                next += 4096
            }
            #expect(list.bytes.count <= PlacementList.mostBytes)
            pieces += 1
            var lines = Self.text(list).split(separator: "\n").map(String.init)
            let last = try #require(lines.last)
            let isCut = last.hasPrefix("... ")
            #expect(isCut == list.isFull)
            if isCut { lines.removeLast() }
            seen.formUnion(lines)
            guard isCut else { break }
            let name = try #require(PlacementAttribute(Array(last.dropFirst(4).utf8)))
            switch (kind, name) {
            case (.spans, .spans(let from)), (.blocks, .blocks(let from)):
                #expect(from > offset)
                offset = from
            default: Issue.record("\(last)")
            }
        }
        #expect(pieces > 1 && seen.count == (kind == .spans ? 3000 : 9000))
    }
}

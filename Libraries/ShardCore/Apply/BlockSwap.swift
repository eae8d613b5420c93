import Protocol

/// Where a block is in a span.
struct BlockPlace {
    var location: Int
    var block: Int
}

extension SpanRecord {
    /// The place of a block in any location; nil when the span has no such block.
    func place(of id: BlockID) -> BlockPlace? {
        for (index, location) in locations.enumerated() {
            if let block = location.blocks.firstIndex(where: { $0.id == id }) {
                return BlockPlace(location: index, block: block)
            }
        }
        return nil
    }
}

/// Two blocks of two spans that are to change places.
struct BlockSwap {
    private let span1: SpanRecord
    private let span2: SpanRecord
    private let place1: BlockPlace
    private let place2: BlockPlace

    init(_ span1: SpanRecord, _ place1: BlockPlace, _ span2: SpanRecord, _ place2: BlockPlace) {
        self.span1 = span1
        self.span2 = span2
        self.place1 = place1
        self.place2 = place2
    }

    private var location1: SpanLocation { span1.locations[place1.location] }
    private var location2: SpanLocation { span2.locations[place2.location] }
    private var block1: SpanBlock { location1.blocks[place1.block] }
    private var block2: SpanBlock { location2.blocks[place2.block] }

    /// Why the blocks may not change places; nil when they may.
    func reasonAgainst(_ domains: [ServiceDomain]) -> ProtocolError? {
        if location1.blockSize != location2.blockSize { return .swapBlocksMismatchingSize }
        if block1.crc != block2.crc { return .swapBlocksMismatchingCrc }
        if location1.location != location2.location { return .swapBlocksMismatchingLocation }
        let domainOf = Dictionary(domains.map { ($0.service, $0.domain) }, uniquingKeysWith: { first, _ in first })
        return Self.conflict(of: block2.service, in: location1, except: place1.block, domainOf)
            ?? Self.conflict(of: block1.service, in: location2, except: place2.block, domainOf)
    }

    /// Whether another block of the location is on that block service or in its failure domain.
    private static func conflict(
        of service: BlockServiceID, in location: SpanLocation, except index: Int,
        _ domainOf: [BlockServiceID: FailureDomain]
    ) -> ProtocolError? {
        for (other, block) in location.blocks.enumerated() where other != index {
            if block.service == service { return .swapBlocksDuplicateBlockService }
            if let domain = domainOf[service], domain == domainOf[block.service] {
                return .swapBlocksDuplicateFailureDomain
            }
        }
        return nil
    }

    func swapped() -> (SpanRecord, SpanRecord) {
        (span1.replacing(place1, with: block2), span2.replacing(place2, with: block1))
    }
}

extension SpanRecord {
    fileprivate func replacing(_ place: BlockPlace, with block: SpanBlock) -> SpanRecord {
        var locations = locations
        locations[place.location].blocks[place.block] = block
        return SpanRecord(size: size, crc: crc, content: .blocks(locations))
    }
}

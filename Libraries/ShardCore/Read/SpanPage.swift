import Protocol

/// The block services that a page of spans refers to by number.
struct ServiceList {
    private(set) var services: [BlockServiceID] = []
    private var numbers: [BlockServiceID: Int] = [:]

    /// Whether every service has a number that fits a byte.
    var isNumbered: Bool { services.count <= 256 }

    mutating func fetched(_ blocks: [SpanBlock]) -> [FetchedBlock] {
        blocks.map { block in
            FetchedBlock(
                blockServiceIx: UInt8(truncatingIfNeeded: number(of: block.service)), blockId: block.id,
                crc: block.crc)
        }
    }

    private mutating func number(of service: BlockServiceID) -> Int {
        if let number = numbers[service] { return number }
        let number = services.count
        services.append(service)
        numbers[service] = number
        return number
    }
}

/// A page of spans, and of the block services they share, being filled (metadata.md B.6).
struct SpanPage<Span: WireValue> {
    private(set) var spans: [Span] = []
    /// Where the client goes on; 0 at the end and when its own limit ended the page.
    private(set) var nextOffset: UInt64 = 0
    private var list = ServiceList()
    private var budget: PageBudget
    private let limit: Int

    private static var fixedSize: Int { 12 }
    /// Bytes of a `BlockService`.
    private static var serviceSize: Int { 21 }

    var services: [BlockServiceID] { list.services }

    init(mtu: UInt16, limit: UInt32) {
        budget = PageBudget(mtu: mtu, fixedSize: Self.fixedSize)
        self.limit = limit == 0 ? .max : Int(limit)
    }

    /// Appends the span that `make` builds, numbering its block services; false when the page is finished.
    mutating func append(at byteOffset: UInt64, _ make: (inout ServiceList) -> Span) -> Bool {
        var extended = list
        let span = make(&extended)
        let size = span.encodedSize + (extended.services.count - list.services.count) * Self.serviceSize
        // A page has to hold one span, or the client would ask for it for ever.
        if spans.isEmpty, !budget.fits(size) { budget = .largest(fixedSize: Self.fixedSize) }
        guard extended.isNumbered, budget.take(size) else {
            nextOffset = byteOffset
            return false
        }
        list = extended
        spans.append(span)
        return spans.count < limit
    }
}

import Protocol

/// A span of a finished file as its shard described it, checked for sense. Whoever reads, checks, moves or rewrites
/// spans takes their descriptions through here, so that all agree on which are impossible, and none is passed over in
/// silence.
public struct CheckedSpan: Sendable {
    public enum Content: Sendable {
        case inline([UInt8])
        /// Its copies, each in a location of its own.
        case blocks([Copy])
    }

    /// The span in one location.
    public struct Copy: Sendable {
        public let location: LocationID
        public let layout: SpanLayout
        public let blocks: [BlockSource]
    }

    public let byteOffset: UInt64
    /// Bytes of the file. What the content does not cover reads as zeros.
    public let size: UInt32
    public let crc: CRC32C
    public let content: Content

    /// From an answer to LOCAL_FILE_SPANS, which shows the copy of one location and does not say which.
    public init(_ span: FetchedSpan, services: [BlockService]) throws(ImpossibleSpan) {
        let header = span.header
        try self.init(header.byteOffset, header.size, header.crc) { () throws(Reason) in
            switch span.body {
            case .inline(let inline): .inline(try Self.inline(inline, header.size))
            case .blocks(let blocks):
                .blocks([
                    try Copy(
                        FetchedBlockServices(
                            locationId: .default, storageClass: header.storageClass, parity: blocks.parity,
                            stripes: blocks.stripes, cellSize: blocks.cellSize, blocks: blocks.blocks,
                            stripesCrc: blocks.stripesCrc), services)
                ])
            }
        }
    }

    /// From an answer to FILE_SPANS.
    public init(_ span: FetchedFullSpan, services: [BlockService]) throws(ImpossibleSpan) {
        let header = span.header
        try self.init(header.byteOffset, header.size, header.crc) { () throws(Reason) in
            switch span.body {
            case .inline(let inline): .inline(try Self.inline(inline, header.size))
            case .locations(let body): .blocks(try Self.copies(body.locations, services))
            }
        }
    }

    private init(
        _ byteOffset: UInt64, _ size: UInt32, _ crc: CRC32C, _ content: () throws(Reason) -> Content
    ) throws(ImpossibleSpan) {
        do throws(Reason) {
            guard byteOffset % UInt64(ClientLimits.pageBytes) == 0 else { throw Reason("it begins within a page") }
            guard size > 0 else { throw Reason("it is empty") }
            guard byteOffset <= UInt64(Int64.max) - UInt64(size) else { throw Reason("it ends beyond any file") }
            self.content = try content()
        } catch {
            throw ImpossibleSpan(byteOffset: byteOffset, reason: error.text)
        }
        self.byteOffset = byteOffset
        self.size = size
        self.crc = crc
    }

    private static func inline(_ inline: FetchedInlineSpan, _ size: UInt32) throws(Reason) -> [UInt8] {
        guard inline.body.count <= Int(size) else { throw Reason("it holds more bytes than it has") }
        return inline.body
    }

    private static func copies(
        _ fetched: [FetchedBlockServices], _ services: [BlockService]
    ) throws(Reason) -> [Copy] {
        guard !fetched.isEmpty else { throw Reason("it is nowhere") }
        var copies: [Copy] = []
        for copy in fetched { copies.append(try Copy(copy, services)) }
        guard Set(copies.map(\.location)).count == copies.count else { throw Reason("it is twice in one location") }
        return copies
    }
}

extension CheckedSpan.Copy {
    fileprivate init(_ copy: FetchedBlockServices, _ services: [BlockService]) throws(Reason) {
        guard copy.storageClass != .empty, copy.storageClass != .inline else {
            throw Reason("its blocks are of a class without blocks")
        }
        guard copy.parity.isValid,
            let layout = SpanLayout(
                parity: copy.parity, stripes: copy.stripes, cellBytes: copy.cellSize, storageClass: copy.storageClass)
        else { throw Reason("no span is cut like this") }
        guard copy.blocks.count == layout.blocks else {
            throw Reason("it has \(copy.blocks.count) blocks, not \(layout.blocks)")
        }
        guard copy.stripesCrc.count == layout.stripes else {
            throw Reason("it has the checksums of \(copy.stripesCrc.count) stripes, not of \(layout.stripes)")
        }
        guard copy.blocks.allSatisfy({ Int($0.blockServiceIx) < services.count }) else {
            throw Reason("it names a block service that is not listed")
        }
        location = copy.locationId
        self.layout = layout
        blocks = copy.blocks.map {
            BlockSource(service: services[Int($0.blockServiceIx)], block: $0.blockId, crc: $0.crc)
        }
    }
}

/// A shard describes a span that cannot be.
public struct ImpossibleSpan: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where it is said to begin.
    public let byteOffset: UInt64
    public let reason: String

    public var description: String { "an impossible span at \(byteOffset): \(reason)" }

    /// As an error of the request that was answered so.
    package func error(_ request: String) -> ClientError { ClientError(.malformedAnswer, request, description) }
}

private struct Reason: Error {
    let text: String

    init(_ text: String) { self.text = text }
}

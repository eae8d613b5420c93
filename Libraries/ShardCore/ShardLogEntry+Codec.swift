import Protocol

// The bytes of a log entry: version, kind, time, lifetime, clock and minimum age of history (since version 3, in which
// names of one hash are limited as well), whether and what copies are recognised by (since version 2), then the action's
// fields. Version 4 is version 3 with the rules of attributes, version 5, which only an entry has that spares files,
// says after the minimum age since when. Only replicas of one shard read them. A new version gets a new first byte, a
// rule for one request a new kind (10, 12), and both keep the old one readable.

extension ShardLogEntry: WireValue {
    /// An entry without a clock was made by version 2 and stays one.
    private var version: UInt8 { clock == nil ? 2 : !keepsAttributes ? 3 : sparedSince == nil ? 4 : 5 }

    private enum Kind: UInt8 {
        case genesis = 1
        case request = 2
        case addSpan = 3
        case certifySpan = 4
        case certifyRemoval = 5
        case swapBlocks = 6
        case publish = 8
        case publishWithAttributes = 9
        case bringBack = 10
        case certifyAndPublish = 11
        case rename = 12
    }

    private var kind: Kind {
        switch action {
        case .genesis: .genesis
        case .request: .request
        case .addSpan: .addSpan
        case .certifySpan: .certifySpan
        case .certifyRemoval: .certifyRemoval
        case .swapBlocks: .swapBlocks
        case .publish: .publish
        case .publishWithAttributes(_, _, let proofs): proofs == nil ? .publishWithAttributes : .certifyAndPublish
        case .bringBack: .bringBack
        case .rename: .rename
        }
    }

    public static var minimumWireSize: Int { 18 }

    private var headerSize: Int {
        (clock == nil ? 19 : 35) + (sparedSince == nil ? 0 : 8) + (repetition?.encodedSize ?? 0)
    }

    public var encodedSize: Int {
        switch action {
        case .genesis(let genesis): headerSize + genesis.encodedSize
        case .request(let request): headerSize + 1 + request.encodedSize
        case .addSpan(let span): headerSize + span.encodedSize
        case .certifySpan(let proofs), .certifyRemoval(let proofs): headerSize + proofs.encodedSize
        case .swapBlocks(let request, let domains):
            headerSize + request.encodedSize + 2 + domains.count * ServiceDomain.minimumWireSize
        case .publish(let request, _): headerSize + request.encodedSize + 8
        case .publishWithAttributes(let request, _, let proofs):
            headerSize + request.encodedSize + 8 + (proofs?.encodedSize ?? 0)
        case .bringBack(let request): headerSize + request.encodedSize
        case .rename(let request): headerSize + request.encodedSize
        }
    }

    public init(from reader: inout WireReader) throws(DecodeError) {
        let version = try reader.read(UInt8.self)
        guard (1...5).contains(version) else { throw .invalidVariant }
        guard let kind = Kind(rawValue: try reader.read()) else { throw .unknownKind }
        time = try reader.read()
        transientLifetimeNanoseconds = try reader.read()
        clock = version > 2 ? try reader.read(Timestamp.self) : nil
        minimumHistoryAgeNanoseconds = version > 2 ? try reader.read() : 0
        keepsAttributes = version > 3
        sparedSince = version > 4 ? try reader.read(Timestamp.self) : nil
        let isGuarded = version > 1 ? try reader.read(Bool.self) : false
        repetition = isGuarded ? try reader.read() : nil
        switch kind {
        case .genesis: action = .genesis(try reader.read())
        case .request:
            guard let kind = ShardKind(rawValue: try reader.read()) else { throw .unknownKind }
            action = .request(try AnyShardRequest.decode(kind: kind, from: &reader))
        case .addSpan: action = .addSpan(try reader.read())
        case .certifySpan: action = .certifySpan(try reader.read())
        case .certifyRemoval: action = .certifyRemoval(try reader.read())
        case .swapBlocks: action = .swapBlocks(try reader.read(), try reader.list())
        case .publish: action = .publish(try reader.read(), graceNanoseconds: try reader.read())
        case .publishWithAttributes:
            action = .publishWithAttributes(try reader.read(), graceNanoseconds: try reader.read())
        case .certifyAndPublish:
            action = .publishWithAttributes(
                try reader.read(), graceNanoseconds: try reader.read(), certifying: try reader.read(CheckedProofs.self))
        case .bringBack: action = .bringBack(try reader.read())
        case .rename: action = .rename(try reader.read())
        }
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(version)
        try writer.write(kind.rawValue)
        try writer.write(time)
        try writer.write(transientLifetimeNanoseconds)
        if let clock {
            try writer.write(clock)
            try writer.write(minimumHistoryAgeNanoseconds)
        }
        if let sparedSince { try writer.write(sparedSince) }
        try writer.write(repetition != nil)
        if let repetition { try writer.write(repetition) }
        switch action {
        case .genesis(let genesis): try writer.write(genesis)
        case .request(let request):
            try writer.write(request.kind.rawValue)
            try request.encode(into: &writer)
        case .addSpan(let span): try writer.write(span)
        case .certifySpan(let proofs), .certifyRemoval(let proofs): try writer.write(proofs)
        case .swapBlocks(let request, let domains):
            try writer.write(request)
            try writer.list(domains)
        case .publish(let request, let graceNanoseconds):
            try writer.write(request)
            try writer.write(graceNanoseconds)
        case .publishWithAttributes(let request, let graceNanoseconds, let proofs):
            try writer.write(request)
            try writer.write(graceNanoseconds)
            if let proofs { try writer.write(proofs) }
        case .bringBack(let request): try writer.write(request)
        case .rename(let request): try writer.write(request)
        }
    }
}

extension NewSpan: WireValue {
    public static var minimumWireSize: Int { 37 }
    public var encodedSize: Int { 37 + blocks.count * Block.minimumWireSize + stripeCRCs.count * 4 }

    public init(from reader: inout WireReader) throws(DecodeError) {
        guard let form = Form(rawValue: try reader.read()) else { throw .invalidVariant }
        self.form = form
        fileId = try reader.read()
        byteOffset = try reader.read()
        size = try reader.read()
        crc = try reader.read()
        location = try reader.read()
        storageClass = try reader.read()
        parity = try reader.read()
        stripes = try reader.read()
        cellSize = try reader.read()
        blocks = try reader.list()
        stripeCRCs = try reader.list()
        // Whatever wrote the entry, a span that could not be read again must not get into the store.
        guard parity.isValid, blocks.count == parity.blocks, stripeCRCs.count == Int(stripes), size > 0 else {
            throw .invalidValue
        }
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(form.rawValue)
        try writer.write(fileId)
        try writer.write(byteOffset)
        try writer.write(size)
        try writer.write(crc)
        try writer.write(location)
        try writer.write(storageClass)
        try writer.write(parity)
        try writer.write(stripes)
        try writer.write(cellSize)
        try writer.list(blocks)
        try writer.list(stripeCRCs)
    }
}

extension NewSpan.Block: WireValue {
    public static var minimumWireSize: Int { 12 }
    public var encodedSize: Int { 12 }

    public init(from reader: inout WireReader) throws(DecodeError) {
        service = try reader.read()
        crc = try reader.read()
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(service)
        try writer.write(crc)
    }
}

extension CheckedProofs: WireValue {
    public static var minimumWireSize: Int { 18 }
    public var encodedSize: Int { 18 + proofs.count * Proof.minimumWireSize }

    public init(from reader: inout WireReader) throws(DecodeError) {
        fileId = try reader.read()
        byteOffset = try reader.read()
        proofs = try reader.list()
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(fileId)
        try writer.write(byteOffset)
        try writer.list(proofs)
    }
}

extension CheckedProofs.Proof: WireValue {
    public static var minimumWireSize: Int { 17 }
    public var encodedSize: Int { 17 }

    public init(from reader: inout WireReader) throws(DecodeError) {
        blockId = try reader.read()
        let isProven = try reader.read(Bool.self)
        let service = try reader.read(BlockServiceID.self)
        provenService = isProven ? service : nil
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(blockId)
        try writer.write(provenService != nil)
        try writer.write(provenService ?? BlockServiceID(rawValue: 0))
    }
}

extension ServiceDomain: WireValue {
    public static var minimumWireSize: Int { 24 }
    public var encodedSize: Int { 24 }

    public init(from reader: inout WireReader) throws(DecodeError) {
        service = try reader.read()
        domain = try reader.read()
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(service)
        try writer.write(domain)
    }
}

import Protocol
import Wire

/// One block of a span: where it is, what it is called there, and its checksum.
package struct SpanBlock: WireValue, Hashable {
    package var service: BlockServiceID
    package var id: BlockID
    package var crc: CRC32C

    package init(service: BlockServiceID, id: BlockID, crc: CRC32C) {
        self.service = service
        self.id = id
        self.crc = crc
    }

    package static var minimumWireSize: Int { 20 }
    package var encodedSize: Int { 20 }

    package init(from reader: inout WireReader) throws(DecodeError) {
        service = try reader.read()
        id = try reader.read()
        crc = try reader.read()
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(service)
        try writer.write(id)
        try writer.write(crc)
    }
}

/// One copy of a block span, in one location.
package struct SpanLocation: WireValue, Hashable {
    package var location: LocationID
    package var storageClass: StorageClass
    package var parity: Parity
    package var stripes: UInt8
    package var cellSize: UInt32
    package var blocks: [SpanBlock]
    package var stripeCRCs: [CRC32C]

    package init(
        location: LocationID, storageClass: StorageClass, parity: Parity, stripes: UInt8, cellSize: UInt32,
        blocks: [SpanBlock], stripeCRCs: [CRC32C]
    ) {
        self.location = location
        self.storageClass = storageClass
        self.parity = parity
        self.stripes = stripes
        self.cellSize = cellSize
        self.blocks = blocks
        self.stripeCRCs = stripeCRCs
    }

    /// The size of each block in bytes.
    package var blockSize: UInt32 { cellSize &* UInt32(stripes) }

    package static var minimumWireSize: Int { 12 }
    package var encodedSize: Int { 12 + blocks.count * 20 + stripeCRCs.count * 4 }

    package init(from reader: inout WireReader) throws(DecodeError) {
        location = try reader.read()
        storageClass = try reader.read()
        parity = try reader.read()
        stripes = try reader.read()
        cellSize = try reader.read()
        blocks = try reader.list()
        stripeCRCs = try reader.list()
        guard blocks.count == parity.blocks, stripeCRCs.count == Int(stripes) else { throw .invalidValue }
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(location)
        try writer.write(storageClass)
        try writer.write(parity)
        try writer.write(stripes)
        try writer.write(cellSize)
        try writer.list(blocks)
        try writer.list(stripeCRCs)
    }
}

/// A run of bytes of a file (A.7) that is the file's own.
package struct SpanRecord: WireValue, Hashable {
    package enum Content: Hashable, Sendable {
        case inline([UInt8])
        case blocks([SpanLocation])
    }

    package var size: UInt32
    package var crc: CRC32C
    package var content: Content

    package init(size: UInt32, crc: CRC32C, content: Content) {
        self.size = size
        self.crc = crc
        self.content = content
    }

    package var isInline: Bool {
        if case .inline = content { return true }
        return false
    }

    /// The copies of a block span; empty for an inline one.
    package var locations: [SpanLocation] {
        if case .blocks(let locations) = content { return locations }
        return []
    }

    /// The blocks of all locations, in location order.
    package var allBlocks: [SpanBlock] { locations.flatMap(\.blocks) }

    package static var minimumWireSize: Int { 11 }

    package var encodedSize: Int {
        switch content {
        case .inline(let body): 11 + body.count
        case .blocks(let locations): locations.reduce(12) { $0 + $1.encodedSize }
        }
    }

    package init(from reader: inout WireReader) throws(DecodeError) {
        try reader.recordVersion1()
        try self.init(afterVersionFrom: &reader)
    }

    /// Decodes what follows the version byte.
    init(afterVersionFrom reader: inout WireReader) throws(DecodeError) {
        size = try reader.read()
        crc = try reader.read()
        if try reader.read(Bool.self) {
            content = .inline(try reader.bytes())
        } else {
            let locations = try reader.list(of: SpanLocation.self)
            guard !locations.isEmpty else { throw .invalidValue }
            content = .blocks(locations)
        }
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(recordVersion)
        try writer.write(size)
        try writer.write(crc)
        switch content {
        case .inline(let body):
            try writer.write(true)
            try writer.bytes(body)
        case .blocks(let locations):
            try writer.write(false)
            try writer.list(locations)
        }
    }
}

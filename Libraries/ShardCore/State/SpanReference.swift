import Mutations
import Protocol
import Wire

/// A run of bytes of a file that stands in a body (README.md, "Shared spans").
package struct SpanReference: WireValue, Hashable {
    package var body: InodeID
    /// Where it begins in the body, and where the last span of it ends there. Both are bounds of spans of the body.
    package var begin: UInt64
    package var end: UInt64
    /// The bytes that the file has of it. Less than `end - begin`, then a multiple of 4096, if the last span is cut.
    package var length: UInt64
    /// The checksum of what is kept of the last span; zero if that is not cut.
    package var cutCRC: CRC32C

    package init(body: InodeID, begin: UInt64, end: UInt64) {
        self.init(body: body, begin: begin, end: end, length: end - begin, cutCRC: .zero)
    }

    package init(body: InodeID, begin: UInt64, end: UInt64, length: UInt64, cutCRC: CRC32C) {
        self.body = body
        self.begin = begin
        self.end = end
        self.length = length
        self.cutCRC = cutCRC
    }

    package var isCut: Bool { length < end &- begin }

    /// The beginning of it, up to where a span of the body ends; nil when that is nothing.
    func upTo(_ newEnd: UInt64) -> SpanReference? {
        newEnd > begin ? SpanReference(body: body, begin: begin, end: newEnd) : nil
    }

    /// The rest of it, from where a span of the body begins.
    func from(_ newBegin: UInt64) -> SpanReference {
        SpanReference(body: body, begin: newBegin, end: end, length: length - (newBegin - begin), cutCRC: cutCRC)
    }

    /// Both as one, if `next` goes on in the body where this one ends.
    func joined(with next: SpanReference) -> SpanReference? {
        guard body == next.body, end == next.begin, !isCut else { return nil }
        return SpanReference(
            body: body, begin: begin, end: next.end, length: length + next.length, cutCRC: next.cutCRC)
    }

    /// What the file shows of the body's span at `byteOffset`, which lies in the range.
    func visible(_ span: SpanRecord, at byteOffset: UInt64) -> SpanRecord {
        guard isCut, byteOffset &+ UInt64(span.size) == end else { return span }
        let kept = UInt32(truncatingIfNeeded: length &- (byteOffset &- begin))
        let size = Mutation.cutIsOffByAPage.isPlanted ? kept &- SpanLimits.pageSize : kept
        return SpanRecord(size: size, crc: cutCRC, content: span.content)
    }

    // Version 2 of what stands under the key of a span; version 1 is a `SpanRecord`.
    static let version: UInt8 = 2

    package static var minimumWireSize: Int { 37 }
    package var encodedSize: Int { 37 }

    package init(from reader: inout WireReader) throws(DecodeError) {
        guard try reader.read(UInt8.self) == Self.version else { throw .invalidVariant }
        try self.init(afterVersionFrom: &reader)
    }

    /// Decodes what follows the version byte.
    init(afterVersionFrom reader: inout WireReader) throws(DecodeError) {
        body = try reader.read()
        begin = try reader.read()
        end = try reader.read()
        length = try reader.read()
        cutCRC = try reader.read()
        guard begin < end, length > 0, length <= end - begin, isCut || cutCRC == .zero else { throw .invalidValue }
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(Self.version)
        try writer.write(body)
        try writer.write(begin)
        try writer.write(end)
        try writer.write(length)
        try writer.write(cutCRC)
    }
}

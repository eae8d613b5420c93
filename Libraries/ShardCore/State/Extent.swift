import Protocol
import Wire

/// What stands under the key of a span: a run of bytes of a file.
package enum Extent: WireValue, Hashable {
    /// One span, the file's own.
    case span(SpanRecord)
    /// One or more spans of a body, which other files may share.
    case reference(SpanReference)

    /// Its bytes in the file.
    package var length: UInt64 {
        switch self {
        case .span(let span): UInt64(span.size)
        case .reference(let reference): reference.length
        }
    }

    /// The span, if it is the file's own.
    package var ownSpan: SpanRecord? {
        if case .span(let span) = self { return span }
        return nil
    }

    package static var minimumWireSize: Int { SpanRecord.minimumWireSize }

    package var encodedSize: Int {
        switch self {
        case .span(let span): span.encodedSize
        case .reference(let reference): reference.encodedSize
        }
    }

    package init(from reader: inout WireReader) throws(DecodeError) {
        switch try reader.read(UInt8.self) {
        case recordVersion: self = .span(try SpanRecord(afterVersionFrom: &reader))
        case SpanReference.version: self = .reference(try SpanReference(afterVersionFrom: &reader))
        default: throw .invalidVariant
        }
    }

    package func encode(into writer: inout WireWriter) throws(EncodeError) {
        switch self {
        case .span(let span): try writer.write(span)
        case .reference(let reference): try writer.write(reference)
        }
    }
}

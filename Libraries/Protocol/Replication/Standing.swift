import Consensus
import Wire

/// Of which term a group's state is, and who belongs to the group there. State machines keep it beside the index that
/// they have applied, as it changes by entries that are none of theirs.
public struct Standing: WireValue, Hashable {
    /// Of the last applied entry.
    public var term: Term
    public var configuration: Configuration

    public init(term: Term, configuration: Configuration) {
        self.term = term
        self.configuration = configuration
    }

    private static let version: UInt8 = 1

    public static var minimumWireSize: Int { 1 + Term.wireSize + Configuration.minimumWireSize }
    public var encodedSize: Int { 1 + Term.wireSize + configuration.encodedSize }

    public init(from reader: inout WireReader) throws(DecodeError) {
        guard try reader.read(UInt8.self) == Self.version else { throw .invalidVariant }
        term = try reader.read()
        configuration = try reader.read()
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(Self.version)
        try writer.write(term)
        try writer.write(configuration)
    }
}

import Consensus
import Wire

/// The position, then the configuration.
extension SnapshotBase: WireValue {
    public static var minimumWireSize: Int { Position.wireSize + Configuration.minimumWireSize }
    public var encodedSize: Int { Position.wireSize + configuration.encodedSize }

    public init(from reader: inout WireReader) throws(DecodeError) {
        self.init(position: try reader.read(), configuration: try reader.read())
        guard position.index <= .limit, position.term <= .limit else { throw .invalidValue }
    }

    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        try writer.write(position)
        try writer.write(configuration)
    }
}

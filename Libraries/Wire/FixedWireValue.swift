/// A value whose encoding always has the same size, so that one bounds check serves a run of them.
public protocol FixedWireValue: WireValue {
    /// The size of the encoding in bytes.
    static var wireSize: Int { get }

    /// Loads the value from `wireSize` readable bytes, without alignment and without checking it.
    init(loading bytes: UnsafeRawPointer)

    /// Stores the value into `wireSize` writable bytes.
    func store(to bytes: UnsafeMutableRawPointer)

    /// Whether a decoder accepts the value (wire-protocol.md 1); true unless the type says otherwise.
    var isValidOnWire: Bool { get }
}

extension FixedWireValue {
    @inlinable public static var minimumWireSize: Int { wireSize }
    @inlinable public var encodedSize: Int { Self.wireSize }
    @inlinable public var isValidOnWire: Bool { true }

    @inlinable
    public init(from reader: inout WireReader) throws(DecodeError) {
        self.init(loading: try reader.take(Self.wireSize))
        guard isValidOnWire else { throw .invalidValue }
    }

    @inlinable
    public func encode(into writer: inout WireWriter) throws(EncodeError) {
        store(to: try writer.take(Self.wireSize))
    }
}

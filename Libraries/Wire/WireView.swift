/// A message that stays where it was received: checked as a whole when it is made, decoded on access, valid as long as
/// the memory it was read from.
public protocol WireView {
    /// Checks the encoding at the reader's position, whatever its bytes are, and advances past it.
    init(from reader: inout WireReader) throws(DecodeError)
}

extension WireView {
    /// A view of a message that fills `bytes` exactly.
    @inlinable
    public init(decoding bytes: UnsafeRawBufferPointer) throws(DecodeError) {
        var reader = WireReader(bytes)
        try self.init(from: &reader)
        try reader.finish()
    }
}

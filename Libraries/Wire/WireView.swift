/// A message that stays where it was received: checked as a whole when it is made, decoded on access, valid as long as
/// the memory it was read from.
public protocol WireView {
    /// The message as a value of its own.
    associatedtype Owned

    /// Checks the encoding at the reader's position, whatever its bytes are, and advances past it.
    init(from reader: inout WireReader) throws(DecodeError)

    /// A copy that may outlive the memory.
    var owned: Owned { get }
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

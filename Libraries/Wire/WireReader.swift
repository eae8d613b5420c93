/// Reads values from raw memory, front to back, checking every step against the end.
///
/// The memory must stay valid as long as the reader and the raw buffers taken from it are in use.
@frozen
public struct WireReader {
    @usableFromInline var position: UnsafeRawPointer
    @usableFromInline let end: UnsafeRawPointer

    /// A reader of all of `bytes`.
    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer) {
        // An empty buffer may have no address; an aligned dummy one that is never loaded stands in for it.
        position = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped
        end = position + bytes.count
    }

    /// The number of bytes not read yet.
    @inlinable public var remaining: Int { end - position }

    /// Steps over `count` bytes and returns where they begin. `count` must not be negative.
    @inlinable
    public mutating func take(_ count: Int) throws(DecodeError) -> UnsafeRawPointer {
        guard count <= remaining else { throw .truncated }
        let start = position
        position = start + count
        return start
    }

    /// Steps over `count` bytes and returns them without copying. `count` must not be negative.
    @inlinable
    public mutating func buffer(_ count: Int) throws(DecodeError) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: try take(count), count: count)
    }

    /// Everything not read yet, without copying; the reader is at its end afterwards.
    @inlinable
    public mutating func rest() -> UnsafeRawBufferPointer {
        defer { position = end }
        return UnsafeRawBufferPointer(start: position, count: remaining)
    }

    /// Decodes a value; its type may be inferred.
    @inlinable
    public mutating func read<Value: WireValue>(_ type: Value.Type = Value.self) throws(DecodeError) -> Value {
        try Value(from: &self)
    }

    /// A byte string with a one-byte length, without copying.
    @inlinable
    public mutating func bytesView() throws(DecodeError) -> UnsafeRawBufferPointer {
        try buffer(Int(try read(UInt8.self)))
    }

    /// A byte string with a one-byte length (0...255).
    @inlinable
    public mutating func bytes() throws(DecodeError) -> [UInt8] {
        [UInt8](try bytesView())
    }

    /// A byte string with a two-byte length, without copying.
    @inlinable
    public mutating func blobView() throws(DecodeError) -> UnsafeRawBufferPointer {
        try buffer(Int(try read(UInt16.self)))
    }

    /// A byte string with a two-byte length (0...65535).
    @inlinable
    public mutating func blob() throws(DecodeError) -> [UInt8] {
        [UInt8](try blobView())
    }

    /// A byte string with a four-byte length, without copying.
    @inlinable
    public mutating func bulkView() throws(DecodeError) -> UnsafeRawBufferPointer {
        try buffer(Int(try read(UInt32.self)))
    }

    /// A byte string with a four-byte length. One that is longer than the input reserves nothing.
    @inlinable
    public mutating func bulk() throws(DecodeError) -> [UInt8] {
        [UInt8](try bulkView())
    }

    /// Throws unless everything has been read.
    @inlinable
    public func finish() throws(DecodeError) {
        guard position == end else { throw .surplus }
    }
}

/// Writes values into a caller's memory, front to back, checking every step against its end.
@frozen
public struct WireWriter {
    @usableFromInline let start: UnsafeMutableRawPointer
    @usableFromInline var position: UnsafeMutableRawPointer
    @usableFromInline let end: UnsafeMutableRawPointer

    /// A writer over all of `buffer`, which must outlive it.
    @inlinable
    public init(_ buffer: UnsafeMutableRawBufferPointer) {
        // An empty buffer may have no address; an aligned dummy one that is never stored to stands in for it.
        start = buffer.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 16).unsafelyUnwrapped
        position = start
        end = start + buffer.count
    }

    /// The number of bytes written so far.
    @inlinable public var count: Int { position - start }

    /// The number of bytes that still fit.
    @inlinable public var remaining: Int { end - position }

    /// What has been written so far; valid until the next write or as long as the caller's buffer.
    @inlinable
    public var written: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: count) }

    /// Reserves `count` bytes and returns where they begin; the caller must fill them. `count` must not be negative.
    @inlinable
    public mutating func take(_ count: Int) throws(EncodeError) -> UnsafeMutableRawPointer {
        guard count <= remaining else { throw .bufferTooSmall }
        let place = position
        position = place + count
        return place
    }

    /// Encodes a value.
    @inlinable
    public mutating func write(_ value: some WireValue) throws(EncodeError) {
        try value.encode(into: &self)
    }

    /// Raw bytes without a length.
    @inlinable
    public mutating func raw(_ bytes: UnsafeRawBufferPointer) throws(EncodeError) {
        let place = try take(bytes.count)
        if let source = bytes.baseAddress {
            place.copyMemory(from: source, byteCount: bytes.count)
        }
    }

    /// Raw bytes without a length.
    @inlinable
    public mutating func raw(_ bytes: [UInt8]) throws(EncodeError) {
        let place = try take(bytes.count)
        bytes.withUnsafeBytes { source in
            if let base = source.baseAddress { place.copyMemory(from: base, byteCount: source.count) }
        }
    }

    /// Takes back everything after the first `count` bytes, which must have been written before.
    @inlinable
    public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= self.count, "cannot truncate to what was never written")
        position = start + count
    }
}

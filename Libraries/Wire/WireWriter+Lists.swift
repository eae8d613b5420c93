extension WireWriter {
    /// A byte string with a one-byte length; at most 255 bytes.
    @inlinable
    public mutating func bytes(_ bytes: [UInt8]) throws(EncodeError) {
        guard let length = UInt8(exactly: bytes.count) else { throw .lengthTooLarge }
        try write(length)
        try raw(bytes)
    }

    /// A byte string with a one-byte length; at most 255 bytes.
    @inlinable
    public mutating func bytes(_ bytes: UnsafeRawBufferPointer) throws(EncodeError) {
        guard let length = UInt8(exactly: bytes.count) else { throw .lengthTooLarge }
        try write(length)
        try raw(bytes)
    }

    /// A byte string with a two-byte length; at most 65535 bytes.
    @inlinable
    public mutating func blob(_ bytes: [UInt8]) throws(EncodeError) {
        guard let length = UInt16(exactly: bytes.count) else { throw .lengthTooLarge }
        try write(length)
        try raw(bytes)
    }

    /// A byte string with a four-byte length.
    @inlinable
    public mutating func bulk(_ bytes: [UInt8]) throws(EncodeError) {
        guard let length = UInt32(exactly: bytes.count) else { throw .lengthTooLarge }
        try write(length)
        try raw(bytes)
    }

    /// A list with a two-byte count; at most 65535 elements.
    @inlinable
    public mutating func list<Element: WireValue>(_ elements: [Element]) throws(EncodeError) {
        guard let count = UInt16(exactly: elements.count) else { throw .lengthTooLarge }
        try write(count)
        for element in elements {
            try element.encode(into: &self)
        }
    }

    /// A list of elements of one size: a single capacity check for all of them.
    @inlinable
    public mutating func list<Element: FixedWireValue>(_ elements: [Element]) throws(EncodeError) {
        guard let count = UInt16(exactly: elements.count) else { throw .lengthTooLarge }
        var place = try take(UInt16.wireSize &+ elements.count &* Element.wireSize)
        count.store(to: place)
        place += UInt16.wireSize
        for element in elements {
            element.store(to: place)
            place += Element.wireSize
        }
    }
}

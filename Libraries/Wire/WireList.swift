/// A list of elements of varying size that stays where it was received; iterating decodes one after the other.
/// Itself a view: checked as a whole when made, valid as long as the memory it was read from.
@frozen
public struct WireList<Element: WireView>: Sequence, WireView {
    /// The number of elements.
    public let count: Int
    @usableFromInline let elements: WireReader

    @inlinable
    public init(from reader: inout WireReader) throws(DecodeError) {
        count = Int(try reader.read(UInt16.self))
        elements = reader
        for _ in 0..<count { _ = try Element(from: &reader) }
    }

    /// Copies of all elements.
    public var owned: [Element.Owned] { map(\.owned) }

    @inlinable
    public func makeIterator() -> Iterator { Iterator(remaining: count, reader: elements) }

    @inlinable public var underestimatedCount: Int { count }

    @frozen
    public struct Iterator: IteratorProtocol {
        @usableFromInline var remaining: Int
        @usableFromInline var reader: WireReader

        @inlinable
        init(remaining: Int, reader: WireReader) {
            self.remaining = remaining
            self.reader = reader
        }

        @inlinable
        public mutating func next() -> Element? {
            guard remaining > 0 else { return nil }
            remaining &-= 1
            // The list was decoded once when it was made, so this cannot fail.
            return try? Element(from: &reader)
        }
    }
}

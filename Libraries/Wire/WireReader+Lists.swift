extension WireReader {
    /// The element count of a list whose elements take at least `minimumSize` bytes each. A count that what is left
    /// of the input cannot hold is refused here, before anything is reserved for it.
    @inlinable
    public mutating func listCount(minimumSize: Int) throws(DecodeError) -> Int {
        let count = Int(try read(UInt16.self))
        guard count &* minimumSize <= remaining else { throw .truncated }
        return count
    }

    /// A list with a two-byte count.
    @inlinable
    public mutating func list<Element: WireValue>(
        of type: Element.Type = Element.self
    ) throws(DecodeError) -> [Element] {
        let count = try listCount(minimumSize: Element.minimumWireSize)
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            elements.append(try Element(from: &self))
        }
        return elements
    }

    /// A list of elements of one size: a single bounds check for all of them.
    @inlinable
    public mutating func list<Element: FixedWireValue>(
        of type: Element.Type = Element.self
    ) throws(DecodeError) -> [Element] {
        let view = try fixedList(of: type)
        guard view.isValidOnWire else { throw .invalidValue }
        return Array(view)
    }

    /// A list of elements of one size that are decoded when they are looked at; values are **not** checked.
    @inlinable
    public mutating func fixedList<Element: FixedWireValue>(
        of type: Element.Type = Element.self
    ) throws(DecodeError) -> FixedWireList<Element> {
        let count = Int(try read(UInt16.self))
        return FixedWireList(start: try take(count &* Element.wireSize), count: count)
    }
}

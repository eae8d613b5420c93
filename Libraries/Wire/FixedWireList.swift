/// A list of equally sized elements that stays where it was received; an element is decoded when it is looked at.
///
/// Valid as long as the memory it was read from.
@frozen
public struct FixedWireList<Element: FixedWireValue>: RandomAccessCollection {
    @usableFromInline let start: UnsafeRawPointer
    public let count: Int

    @inlinable
    init(start: UnsafeRawPointer, count: Int) {
        self.start = start
        self.count = count
    }

    @inlinable public var startIndex: Int { 0 }
    @inlinable public var endIndex: Int { count }

    @inlinable
    public subscript(index: Int) -> Element {
        precondition(index >= 0 && index < count, "index out of range")
        return Element(loading: start + index &* Element.wireSize)
    }

    /// Whether a decoder accepts every element.
    @inlinable public var isValidOnWire: Bool { allSatisfy(\.isValidOnWire) }
}

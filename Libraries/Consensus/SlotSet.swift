/// Some of a group's slots.
public struct SlotSet: Hashable, Sendable, Sequence, CustomStringConvertible {
    private var bits: UInt8 = 0

    public init() {}

    public init(_ slots: some Sequence<ReplicaSlot>) {
        for slot in slots { insert(slot) }
    }

    public var isEmpty: Bool { bits == 0 }
    public var count: Int { bits.nonzeroBitCount }
    /// The smallest number of these slots of which any two choices share one.
    public var majority: Int { count / 2 + 1 }

    public func contains(_ slot: ReplicaSlot) -> Bool { bits & (1 << slot.rawValue) != 0 }
    public mutating func insert(_ slot: ReplicaSlot) { bits |= 1 << slot.rawValue }
    public mutating func remove(_ slot: ReplicaSlot) { bits &= ~(1 << slot.rawValue) }

    public func union(_ other: SlotSet) -> SlotSet { SlotSet(bits: bits | other.bits) }
    public func intersection(_ other: SlotSet) -> SlotSet { SlotSet(bits: bits & other.bits) }

    private init(bits: UInt8) { self.bits = bits }

    public struct Iterator: IteratorProtocol {
        fileprivate var bits: UInt8

        public mutating func next() -> ReplicaSlot? {
            guard bits != 0 else { return nil }
            let place = bits.trailingZeroBitCount
            bits &= bits &- 1
            return ReplicaSlot(place: place)
        }
    }

    /// The slots in order.
    public func makeIterator() -> Iterator { Iterator(bits: bits) }

    public var description: String { "\(map(\.rawValue))" }
}

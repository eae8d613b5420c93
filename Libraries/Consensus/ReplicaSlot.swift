/// One of the five places for replicas that a group has.
public struct ReplicaSlot: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt8

    /// Nil when there is no such slot.
    public init?(rawValue: UInt8) {
        guard rawValue < Self.count else { return nil }
        self.rawValue = rawValue
    }

    /// That of a group's founder.
    public static let first = ReplicaSlot(place: 0)

    init(place: Int) { rawValue = UInt8(truncatingIfNeeded: place) }

    /// How many slots a group has.
    public static let count = 5

    /// All of them, in order.
    public static let all = (0..<count).map { ReplicaSlot(place: $0) }

    /// The place in an array with one element for each slot.
    var place: Int { Int(rawValue) }

    public static func < (left: ReplicaSlot, right: ReplicaSlot) -> Bool { left.rawValue < right.rawValue }

    public var description: String { "slot \(rawValue)" }
}

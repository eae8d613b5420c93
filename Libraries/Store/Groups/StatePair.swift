/// A key of a group's state, without the group's prefix, and its value: what replicas send each other of a state.
public struct StatePair: Hashable, Sendable {
    public var key: [UInt8]
    public var value: [UInt8]

    public init(key: [UInt8], value: [UInt8]) {
        self.key = key
        self.value = value
    }

    /// Whether a state can have it. What a peer sends may be anything, and some keys the store keeps for itself.
    var isPossible: Bool { key.first.map { !GroupKeys.isReserved($0) } ?? false }
}

/// Which node had a place when somebody looked last: a guess, to be compared with what the node knows of itself. As
/// large as it is, whatever is looked up: places share rooms, and the last one has it.
package struct PlaceHints {
    private static let rooms = 1 << 15
    private var nodes = [NodeID?](repeating: nil, count: rooms)

    package init() {}

    package func node(at place: Place) -> NodeID? { nodes[Self.room(place)] }

    package mutating func remember(_ node: NodeID, at place: Place) { nodes[Self.room(place)] = node }

    private static func room(_ place: Place) -> Int { Int(UInt(bitPattern: place.hashValue) % UInt(rooms)) }
}

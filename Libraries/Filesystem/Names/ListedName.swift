import Protocol

/// A name on its way into a listing.
struct ListedName: Sendable {
    let offset: UInt64
    let name: [UInt8]
    let node: NodeID

    init(_ name: [UInt8], _ hash: NameHash, _ node: NodeID) {
        offset = ListingOffset.of(name, hash)
        self.name = name
        self.node = node
    }
}

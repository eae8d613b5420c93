import Protocol

/// A name on its way into a listing.
struct ListedName: Sendable {
    let offset: UInt64
    let name: [UInt8]
    let node: NodeID
    /// When it got the name; nil for staged files.
    let linked: Timestamp?

    init(_ name: [UInt8], _ hash: NameHash, _ node: NodeID, linked: Timestamp?) {
        offset = ListingOffset.of(name, hash)
        self.name = name
        self.node = node
        self.linked = linked
    }
}

import Protocol

/// The names that staged files have for this filesystem, although the cluster does not know them yet.
package struct StagedNames: Sendable {
    private var nodes: [Place: NodeID] = [:]
    private var namesByDirectory: [InodeID: Set<[UInt8]>] = [:]

    /// A name and the staged file that has it.
    package struct Named: Sendable {
        package let hash: NameHash
        package let name: [UInt8]
        package let node: NodeID
    }

    package init() {}

    package var isEmpty: Bool { nodes.isEmpty }

    /// The staged file at this place.
    package func node(at place: Place) -> NodeID? {
        nodes[place]
    }

    /// Whether any file is staged in the directory.
    package func hasNames(in directory: InodeID) -> Bool {
        namesByDirectory[directory] != nil
    }

    /// The names in a directory whose hash is at least `hash`, in the order of listings.
    package func names(in directory: InodeID, from hash: NameHash) -> [Named] {
        guard let names = namesByDirectory[directory] else { return [] }
        return names.compactMap { name in
            let own = NameHash(of: name)
            guard own.rawValue >= hash.rawValue, let node = nodes[Place(directory: directory, name: name)] else {
                return nil
            }
            return Named(hash: own, name: name, node: node)
        }
        .sorted { ($0.hash.rawValue, $0.node.inode.rawValue) < ($1.hash.rawValue, $1.node.inode.rawValue) }
    }

    /// Takes over the place from whatever was there.
    package mutating func insert(_ node: NodeID, at place: Place) {
        nodes[place] = node
        namesByDirectory[place.directory, default: []].insert(place.name)
    }

    /// Frees the place if it belongs to `node`.
    package mutating func remove(_ node: NodeID, at place: Place) {
        guard nodes[place] == node else { return }
        nodes[place] = nil
        namesByDirectory[place.directory]?.remove(place.name)
        if namesByDirectory[place.directory]?.isEmpty == true { namesByDirectory[place.directory] = nil }
    }
}

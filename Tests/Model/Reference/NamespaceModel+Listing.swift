import Protocol

extension NamespaceModel {
    /// One line of a listing.
    public struct ListedEdge: Equatable, Sendable {
        public var isCurrent: Bool
        /// With the flag: locked, or owned.
        public var target: InodeIDExtra
        public var name: [UInt8]
        public var since: Moment
    }

    /// All edges of a directory in the order of FULL_READ_DIR: history by (hash, name, time), then what is there now.
    public func listing(of id: InodeID) -> [ListedEdge] {
        guard let directory = directories[id] else { return [] }
        let past = directory.history.flatMap { name, history in
            history.map {
                ListedEdge(
                    isCurrent: false, target: InodeIDExtra(id: $0.target, flag: $0.isOwned), name: name,
                    since: $0.since)
            }
        }
        let current = directory.current.map { name, edge in
            ListedEdge(
                isCurrent: true, target: InodeIDExtra(id: edge.target, flag: edge.isLocked), name: name,
                since: edge.since)
        }
        return Self.sorted(past) + Self.sorted(current)
    }

    private static func sorted(_ edges: [ListedEdge]) -> [ListedEdge] {
        edges.sorted { left, right in
            let hashes = (NameHash(of: left.name), NameHash(of: right.name))
            return hashes.0 == hashes.1 ? left.since < right.since : hashes.0 < hashes.1
        }
    }
}

import Protocol

/// All nodes that somebody knows. Confined to the filesystem.
package struct NodeTable {
    private var nodes: [NodeID: Node] = [:]
    /// The numbers under which files are known by an older one's.
    private var aliases: [InodeID: NodeID] = [:]

    package init() {
        let root = Node(id: .root)
        root.references = 1
        nodes[.root] = root
    }

    package subscript(id: NodeID) -> Node? { nodes[id] }

    package var count: Int { nodes.count }

    /// The node with this number, made if nobody knows it yet.
    package mutating func node(for id: NodeID) -> Node {
        if let known = nodes[id] { return known }
        let made = Node(id: id)
        nodes[id] = made
        return made
    }

    /// The node stands for another file from now on.
    package mutating func replace(_ node: Node, by content: InodeID) {
        forgetAlias(node)
        node.content = content
        if node.isAlias { aliases[content] = node.id }
    }

    /// A file got another name: every node that stands for it.
    package func move(_ content: InodeID, to place: Place) {
        nodes[NodeID(content)]?.place = place
        if let alias = aliases[content] { nodes[alias]?.place = place }
    }

    private mutating func forgetAlias(_ node: Node) {
        if aliases[node.content] == node.id { aliases[node.content] = nil }
    }

    /// `count` references are given up.
    package mutating func forget(_ id: NodeID, _ count: UInt64) {
        guard let node = nodes[id], id != .root else { return }
        node.references = node.references > count ? node.references - count : 0
        dropIfUnused(node)
    }

    /// A node that nobody knows and that is not being written needs no memory.
    package mutating func dropIfUnused(_ node: Node) {
        guard node.references == 0, node.staged == nil else { return }
        forgetAlias(node)
        nodes[node.id] = nil
    }
}

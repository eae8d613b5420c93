import Protocol

/// All inodes that the kernel knows. Confined to the mount.
package struct NodeTable {
    private var nodes: [UInt64: Node] = [:]
    /// The numbers under which the kernel knows files by an older one's.
    private var aliases: [InodeID: UInt64] = [:]

    package init() {
        let root = Node(number: NodeNumber.root, content: .root)
        root.lookups = 1
        nodes[NodeNumber.root] = root
    }

    package subscript(number: UInt64) -> Node? { nodes[number] }

    package var count: Int { nodes.count }

    /// The node of an inode, made if the kernel does not know it yet.
    package mutating func node(for inode: InodeID) -> Node {
        let number = NodeNumber.number(inode)
        if let known = nodes[number] { return known }
        let made = Node(number: number, content: inode)
        nodes[number] = made
        return made
    }

    /// The node stands for another file from now on.
    package mutating func replace(_ node: Node, by content: InodeID) {
        forgetAlias(node)
        node.content = content
        if node.isAlias { aliases[content] = node.number }
    }

    /// A file got another name: every node that stands for it.
    package func move(_ content: InodeID, to place: Place) {
        nodes[NodeNumber.number(content)]?.place = place
        if let alias = aliases[content] { nodes[alias]?.place = place }
    }

    private mutating func forgetAlias(_ node: Node) {
        if aliases[node.content] == node.number { aliases[node.content] = nil }
    }

    /// The kernel gives up `count` of its references.
    package mutating func forget(_ number: UInt64, _ count: UInt64) {
        guard let node = nodes[number], number != NodeNumber.root else { return }
        node.lookups = node.lookups > count ? node.lookups - count : 0
        dropIfUnused(node)
    }

    /// A node that the kernel does not know and that is not being written needs no memory.
    package mutating func dropIfUnused(_ node: Node) {
        guard node.lookups == 0, node.construction == nil else { return }
        forgetAlias(node)
        nodes[node.number] = nil
    }
}

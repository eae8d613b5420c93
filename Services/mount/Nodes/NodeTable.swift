import Protocol

/// All inodes that the kernel knows. Confined to the mount.
package struct NodeTable {
    private var nodes: [UInt64: Node] = [:]

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

    /// The kernel gives up `count` of its references.
    package mutating func forget(_ number: UInt64, _ count: UInt64) {
        guard let node = nodes[number], number != NodeNumber.root else { return }
        node.lookups = node.lookups > count ? node.lookups - count : 0
        dropIfUnused(node)
    }

    /// A node that the kernel does not know and that is not being written needs no memory.
    package mutating func dropIfUnused(_ node: Node) {
        guard node.lookups == 0, node.construction == nil else { return }
        nodes[node.number] = nil
    }
}

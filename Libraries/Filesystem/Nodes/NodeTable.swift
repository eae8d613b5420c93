import Mutations
import Protocol

/// All nodes that somebody knows. Confined to the filesystem.
package struct NodeTable {
    private var nodes: [NodeID: Node] = [:]
    /// The nodes of files whose number at the cluster is another one.
    private var numbers: [InodeID: NodeID] = [:]
    /// The nodes that stand for versions with other ids.
    private var versions: [InodeID: NodeID] = [:]

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

    /// The node of the file with this number at the cluster, made if nobody knows it yet.
    package mutating func node(ofFile number: InodeID) -> Node {
        if let id = numbers[number], let known = nodes[id] { return known }
        return node(for: NodeID(number))
    }

    /// The node that stands for this version (or directory) now.
    package func node(standingFor version: InodeID) -> Node? {
        if let id = versions[version] { return nodes[id] }
        guard let node = nodes[NodeID(version)], node.content == version else { return nil }
        return node
    }

    /// The node stands for another version from now on.
    /// - Parameter number: the file's at the cluster.
    package mutating func replace(_ node: Node, by version: InodeID, number: InodeID) {
        forgetOthers(node)
        node.stand(for: version, number: number)
        if version != node.id.inode { versions[version] = node.id }
        numbers[number] = number == node.id.inode ? nil : node.id
    }

    /// The node keeps the version that it stands for; another one stands for a newer version, and for the file.
    /// - Returns: nil when that would be the node itself: somebody has brought back the version that it is known by.
    package mutating func setApart(_ node: Node, from version: InodeID) -> Node? {
        let other = self.node(for: NodeID(version))
        guard other !== node || Mutation.nodesAreSetApartFromThemselves.isPlanted else { return nil }
        replace(other, by: version, number: node.number)
        return other
    }

    /// Whether another node stands for the file, because this one is kept as it is.
    package func isApart(_ node: Node) -> Bool {
        numbers[node.number].map { $0 != node.id } ?? (node.number != node.id.inode)
    }

    private mutating func forgetOthers(_ node: Node) {
        if versions[node.content] == node.id { versions[node.content] = nil }
        if numbers[node.number] == node.id { numbers[node.number] = nil }
    }

    /// `count` references are given up.
    package mutating func forget(_ id: NodeID, _ count: UInt64) {
        guard let node = nodes[id], id != .root else { return }
        node.references = node.references > count ? node.references - count : 0
        dropIfUnused(node)
    }

    /// A node that nobody knows, has open or writes needs no memory.
    package mutating func dropIfUnused(_ node: Node) {
        guard !node.isInUse, nodes[node.id] === node else { return }
        forgetOthers(node)
        nodes[node.id] = nil
    }
}

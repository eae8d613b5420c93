import Filesystem
import Protocol
import Testing

@Suite struct NodeTableTests {
    private let file = NodeID(InodeID(rawValue: 0x4000_0000_0000_0105))

    @Test func theRootStays() {
        var table = NodeTable()
        table.forget(.root, 100)
        #expect(table[.root]?.content == .root)
    }

    @Test func nodesLiveWhileSomebodyKnowsThem() {
        var table = NodeTable()
        let node = table.node(for: file)
        node.references += 3
        #expect(table.node(for: file) === node)
        table.forget(node.id, 2)
        #expect(table[node.id] === node)
        // More than we ever counted is the observer's mistake, not our crash.
        table.forget(node.id, 5)
        #expect(table[node.id] == nil)
        table.forget(node.id, 1)
    }

    @Test func filesAreFoundByNumberAndByVersion() {
        var table = NodeTable()
        let node = table.node(ofFile: file.inode)
        #expect(table.node(standingFor: file.inode) === node)
        let (second, third) = (InodeID(rawValue: 0x4000_0000_0000_0205), InodeID(rawValue: 0x4000_0000_0000_0305))
        table.replace(node, by: second, number: file.inode)
        #expect(table.node(standingFor: second) === node)
        #expect(table.node(standingFor: file.inode) == nil)
        #expect(table.node(ofFile: file.inode) === node)
        // A version that did not get the number: the node keeps its own.
        table.replace(node, by: third, number: third)
        #expect(table.node(standingFor: second) == nil)
        #expect(table.node(standingFor: third) === node)
        #expect(table.node(ofFile: third) === node)
        #expect(node.id == file)
        node.references = 1
        table.forget(node.id, 1)
        #expect(table.node(standingFor: third) == nil)
        #expect(table.node(ofFile: third) !== node)
    }

    /// The first version of a file has the number of its node.
    @Test func noNodeIsSetApartFromItself() {
        var table = NodeTable()
        let node = table.node(ofFile: file.inode)
        let (second, third) = (InodeID(rawValue: 0x4000_0000_0000_0205), InodeID(rawValue: 0x4000_0000_0000_0305))
        table.replace(node, by: second, number: file.inode)
        #expect(table.setApart(node, from: file.inode) !== node)
        #expect(node.content == second)
        let other: Node? = table.setApart(node, from: third)
        #expect(other != nil && table.node(standingFor: third) === other)
        #expect(table.isApart(node))
        #expect(table.node(ofFile: file.inode) === other)
    }
}

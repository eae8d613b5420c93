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

    @Test func replacedFilesAreAliases() {
        var table = NodeTable()
        let node = table.node(for: file)
        #expect(!node.isAlias)
        let second = InodeID(rawValue: 0x4000_0000_0000_0205)
        table.replace(node, by: second)
        #expect(node.isAlias)
        // A rename finds it by what it stands for.
        let place = Place(directory: .root, name: [1])
        table.move(second, to: place)
        #expect(node.place == place)
        table.replace(node, by: InodeID(rawValue: 0x4000_0000_0000_0305))
        table.move(second, to: Place(directory: .root, name: [2]))
        #expect(node.place == place)
    }
}

import Protocol
import Testing
import sterna_mount

@Suite struct NodeTableTests {
    private let file = InodeID(rawValue: 0x4000_0000_0000_0105)

    @Test func rootIsOneAndStays() {
        var table = NodeTable()
        #expect(NodeNumber.number(.root) == 1)
        #expect(NodeNumber.inode(1) == .root)
        table.forget(1, 100)
        #expect(table[1]?.content == .root)
    }

    @Test func nodesLiveWhileTheKernelKnowsThem() {
        var table = NodeTable()
        let node = table.node(for: file)
        node.lookups += 3
        #expect(table.node(for: file) === node)
        table.forget(node.number, 2)
        #expect(table[node.number] === node)
        // More than we ever counted is the kernel's mistake, not our crash.
        table.forget(node.number, 5)
        #expect(table[node.number] == nil)
        table.forget(node.number, 1)
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

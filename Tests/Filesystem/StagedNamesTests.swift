import Filesystem
import Protocol
import Testing

@Suite struct StagedNamesTests {
    private let directory = InodeID(rawValue: 0x2000_0000_0000_0101)
    private let other = InodeID(rawValue: 0x2000_0000_0000_0202)

    private func place(_ name: String, _ directory: InodeID? = nil) -> Place {
        Place(directory: directory ?? self.directory, name: Array(name.utf8))
    }

    private func node(_ number: UInt64) -> NodeID { NodeID(InodeID(rawValue: number)) }

    @Test func findsWhatWasInserted() {
        var table = StagedNames()
        #expect(table.isEmpty)
        table.insert(node(7), at: place("a"))
        #expect(table.node(at: place("a")) == node(7))
        #expect(table.node(at: place("a", other)) == nil)
        #expect(table.hasNames(in: directory))
        #expect(!table.hasNames(in: other))
    }

    @Test func onlyTheOwnerFreesAPlace() {
        var table = StagedNames()
        table.insert(node(7), at: place("a"))
        // Displaced by a rename onto the name.
        table.insert(node(8), at: place("a"))
        table.remove(node(7), at: place("a"))
        #expect(table.node(at: place("a")) == node(8))
        table.remove(node(8), at: place("a"))
        #expect(table.isEmpty)
        #expect(!table.hasNames(in: directory))
    }

    @Test func listsInTheOrderOfHashes() {
        var table = StagedNames()
        for index in 0..<50 { table.insert(node(UInt64(index)), at: place("name\(index)")) }
        table.insert(node(99), at: place("elsewhere", other))
        let all = table.names(in: directory, from: NameHash(rawValue: 0))
        #expect(all.count == 50)
        #expect(all.map(\.hash.rawValue) == all.map(\.hash.rawValue).sorted())
        #expect(all.allSatisfy { NameHash(of: $0.name) == $0.hash })
        let rest = table.names(in: directory, from: all[20].hash)
        #expect(rest.map(\.node) == all[20...].map(\.node))
    }
}

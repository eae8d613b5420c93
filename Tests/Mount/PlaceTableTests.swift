import Protocol
import Testing
import sterna_mount

@Suite struct PlaceTableTests {
    private let directory = InodeID(rawValue: 0x2000_0000_0000_0101)
    private let other = InodeID(rawValue: 0x2000_0000_0000_0202)

    private func place(_ name: String, _ directory: InodeID? = nil) -> Place {
        Place(directory: directory ?? self.directory, name: Array(name.utf8))
    }

    @Test func findsWhatWasInserted() {
        var table = PlaceTable()
        #expect(table.isEmpty)
        table.insert(7, at: place("a"))
        #expect(table.number(at: place("a")) == 7)
        #expect(table.number(at: place("a", other)) == nil)
        #expect(table.hasNames(in: directory))
        #expect(!table.hasNames(in: other))
    }

    @Test func onlyTheOwnerFreesAPlace() {
        var table = PlaceTable()
        table.insert(7, at: place("a"))
        // Displaced by a rename onto the name.
        table.insert(8, at: place("a"))
        table.remove(7, at: place("a"))
        #expect(table.number(at: place("a")) == 8)
        table.remove(8, at: place("a"))
        #expect(table.isEmpty)
        #expect(!table.hasNames(in: directory))
    }

    @Test func listsInTheOrderOfHashes() {
        var table = PlaceTable()
        for index in 0..<50 { table.insert(UInt64(index), at: place("name\(index)")) }
        table.insert(99, at: place("elsewhere", other))
        let all = table.names(in: directory, from: 0)
        #expect(all.count == 50)
        #expect(all.map(\.hash) == all.map(\.hash).sorted())
        #expect(all.allSatisfy { NameHash(of: $0.name).rawValue == $0.hash })
        let rest = table.names(in: directory, from: all[20].hash)
        #expect(rest.map(\.number) == all[20...].map(\.number))
    }
}

import Client
import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// A file keeps its number whatever is done to its contents.
    @Suite struct NumberTests {
        @Test func allVersionsHaveOneNumber() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let created = try await own.create("f")
                let node = created.entry.node
                try await own.write(created.opened.handle, "a")
                try await own.filesystem.synchronize(created.opened.handle)
                try await own.write(created.opened.handle, "b", at: 1)
                try await own.close(created.opened.handle)
                try await other.append("f", "c")
                try await own.edit("f", "A", at: 0)
                try await other.truncate("f", to: 2)
                let truncating = try await own.open("f", .truncating)
                try await own.write(truncating, "new")
                try await own.close(truncating)
                await own.filesystem.forget(node, 100)
                for host in hosts {
                    #expect(try await host.node("f") == node)
                    #expect(try await host.contents("f") == "new")
                }
            }
        }

        @Test func aFileThatIsPatchedBeforeItIsPublishedKeepsIt() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let created = try await own.create("f")
                let (node, handle) = (created.entry.node, created.opened.handle)
                // More than one span, so that the beginning is stored when it changes.
                let long = String(repeating: "a", count: 40 << 20)
                try await own.write(handle, long)
                try await own.write(handle, "first")
                try await own.close(handle)
                for host in hosts { #expect(try await host.node("f") == node) }
                let entry = try await other.filesystem.lookup(Array(".".utf8), in: node)
                #expect(entry.node == node && entry.attributes.size == UInt64(long.utf8.count))
                try await other.edit("f", "last", at: 7)
                let reader = try await own.open("f", .reading)
                let start = try await own.filesystem.read(reader, at: 0, count: 12).bytes
                #expect(start == Array("firstaalasta".utf8))
                try await own.close(reader)
                for host in hosts { #expect(try await host.node("f") == node) }
            }
        }

        @Test func aNumberLeadsToTheNewestVersion() async throws {
            try await Host.run(2) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "one")
                let node = try await own.node("f")
                try await own.edit("f", "two", at: 0)
                // By somebody who has never met it by a name, as after a remount.
                let entry = try await other.filesystem.lookup(Array(".".utf8), in: node)
                #expect(entry.node == node && entry.attributes.size == 3)
                let handle = try await other.filesystem.open(node, .reading, by: .unknown).handle
                #expect(try await other.read(handle) == "two")
                let above = try await other.filesystem.lookup(Array("..".utf8), in: own.directory)
                #expect(above.node == .root)
            }
        }

        @Test func listingsTellIt() async throws {
            try await Host.run(2) { hosts in
                let own = hosts[0]
                try await own.store("f", "one")
                let node = try await own.node("f")
                try await own.edit("f", "two and more", at: 0)
                for host in hosts {
                    let entries = try await ListingTests.list(host, plus: true).filter { $0.entry != nil }
                    #expect(entries.map(\.node) == [node])
                    #expect(entries.first?.entry?.attributes.size == 12)
                    for entry in entries.compactMap(\.entry) { await host.filesystem.takeBack(entry) }
                }
            }
        }
    }
}

import Client
import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// What `user.sterna.*` tells of what is really stored.
    @Suite struct PlacementTests {
        private static func value(_ host: Host, _ name: String, of node: NodeID) async throws -> String {
            let value = try await host.filesystem.extendedAttribute(Array("user.sterna.\(name)".utf8), of: node)
            return String(decoding: value, as: UTF8.self)
        }

        private static func refusal(_ host: Host, _ name: String, of node: NodeID) async throws -> Int32 {
            try await code { _ = try await value(host, name, of: node) }
        }

        @Test func tellsWhereAFileIs() async throws {
            try await Host.run { hosts in try await Self.check(hosts[0]) }
        }

        @Test func theSameWhereOwnersAreFixed() async throws {
            var options = FilesystemOptions()
            options.ownership = .fixed
            try await Host.run(options: options) { hosts in try await Self.check(hosts[0]) }
        }

        private static func check(_ own: Host) async throws {
            try await own.store("f", String(repeating: "0123456789", count: 30_000))
            let node = try await own.node("f")
            let content = try await own.filesystem.client.target(of: Array("f".utf8), in: own.directory.inode)
            #expect(try await Self.value(own, "inode", of: node) == content.description)
            #expect(try await Self.value(own, "shard", of: node) == content.shard.description)
            #expect(try await Self.value(own, "spans", of: node) == "0 300000 FLASH rs:2,1 location 0\n")
            let blocks = try await Self.value(own, "blocks", of: node).split(separator: "\n").map {
                $0.split(separator: " ").map(String.init)
            }
            let services = try await own.filesystem.client.blockServices()
            #expect(blocks.map { $0[2] } == ["0", "1", "2"])
            for line in blocks {
                let service = try #require(services.first { $0.id.description == line[4] })
                #expect(line[5] == service.failureDomain.description)
            }
            #expect(Set(blocks.map { $0[5] }).count == 3)
            let policy = try await Self.value(own, "policy", of: node)
            #expect(policy.contains("spans up to 16777216: rs:2,1\n") && policy.contains("blocks above 0: FLASH\n"))
            #expect(try await Self.value(own, "policy", of: own.directory) == policy)
            // A directory has no blocks.
            #expect(try await Self.value(own, "inode", of: own.directory) == own.directory.inode.description)
            #expect(try await Self.refusal(own, "blocks", of: own.directory) == ENODATA)
            #expect(try await Self.refusal(own, "strange", of: node) == ENODATA)
        }

        @Test func nobodySetsThemAndNoListNamesThem() async throws {
            try await Host.run { hosts in
                let (own, filesystem, name) = (hosts[0], hosts[0].filesystem, Array("user.sterna.inode".utf8))
                try await own.store("f", "small")
                let node = try await own.node("f")
                // As somebody could when the name meant nothing yet.
                _ = try await filesystem.client.setAttributes(
                    try await filesystem.client.target(of: Array("f".utf8), in: own.directory.inode),
                    InodeChange(extended: [.init(operation: .set, name: Array("user.sterna.x".utf8), value: [1])]))
                for other in [name, Array("user.sterna.x".utf8)] {
                    #expect(
                        try await code { try await filesystem.setExtendedAttribute(other, [1], of: node, .set) }
                            == EPERM)
                    #expect(
                        try await code { try await filesystem.removeExtendedAttribute(other, of: node) } == EPERM)
                }
                #expect(try await filesystem.extendedAttributeNames(of: node, for: .unknown) == [])
                #expect(try await Self.value(own, "spans", of: node) == "0 5 INLINE\n")
                #expect(try await Self.value(own, "blocks", of: node) == "")
            }
        }

        @Test func ofWhatIsBeingWrittenTheyTellWhatItIsAnEditOf() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let created = try await own.create("f")
                #expect(try await Self.refusal(own, "inode", of: created.entry.node) == ENODATA)
                try await own.write(created.opened.handle, "one")
                try await own.close(created.opened.handle)
                let first = try await Self.value(own, "inode", of: created.entry.node)
                let handle = try await own.open("f", .writing)
                try await own.write(handle, "and more than that")
                #expect(try await Self.value(own, "inode", of: created.entry.node) == first)
                try await own.close(handle)
                #expect(try await Self.value(own, "inode", of: created.entry.node) != first)
                // The version before is where it was.
                let place = try await own.filesystem.lookup(Array(".sterna".utf8), in: own.directory).node
                let listed = try await ListingTests.list(own, of: place).first { $0.name.starts(with: "f@".utf8) }
                let old = try #require(listed).node
                #expect(try await Self.value(own, "inode", of: old) == first)
                #expect(try await Self.value(own, "spans", of: old) == "0 3 INLINE\n")
            }
        }
    }
}

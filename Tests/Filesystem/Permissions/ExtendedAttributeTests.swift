import Client
import Filesystem
import Glibc
import Protocol
import TestSupport
import Testing

extension OnCluster {
    /// Extended attributes of files, staged and finished, and of directories and links.
    @Suite struct ExtendedAttributeTests {
        private static let name = Array("user.a".utf8)

        /// What all kinds of nodes must do.
        private static func exercise(_ host: Host, _ node: NodeID) async throws {
            let filesystem = host.filesystem
            func set(_ name: String, _ value: [UInt8], _ use: ExtendedAttributeUse = .set) async throws -> Int32 {
                try await code { try await filesystem.setExtendedAttribute(Array(name.utf8), value, of: node, use) }
            }
            #expect(try await code { _ = try await filesystem.extendedAttribute(Self.name, of: node) } == ENODATA)
            #expect(try await set("user.a", [1], .replace) == ENODATA)
            #expect(try await set("user.a", [1], .create) == 0)
            #expect(try await set("user.a", [2], .create) == EEXIST)
            #expect(try await filesystem.extendedAttribute(Self.name, of: node) == [1])
            #expect(try await set("user.a", [], .replace) == 0)
            #expect(try await filesystem.extendedAttribute(Self.name, of: node) == [])
            #expect(try await set("trusted.b", [3]) == 0)
            #expect(try await set("strange.b", [3]) == EOPNOTSUPP)
            #expect(try await set("user.", [3]) == EINVAL)
            // All together 4 KiB, each counting 16 bytes more.
            #expect(try await set("user.c", [UInt8](repeating: 4, count: 4096 - 16 - 6 - 16 - 6 - 16 - 9 - 1)) == 0)
            #expect(try await set("user.d", []) == ENOSPC)
            let all = try await filesystem.extendedAttributeNames(of: node, for: .unknown)
            #expect(all == ["trusted.b", "user.a", "user.c"].map { Array($0.utf8) })
            let visible = try await filesystem.extendedAttributeNames(of: node, for: Caller(thread: 1, user: 5))
            #expect(visible == ["user.a", "user.c"].map { Array($0.utf8) })
            for gone in all { try await filesystem.removeExtendedAttribute(gone, of: node) }
            #expect(try await code { try await filesystem.removeExtendedAttribute(Self.name, of: node) } == ENODATA)
            #expect(try await filesystem.extendedAttributeNames(of: node, for: .unknown) == [])
        }

        @Test func areSetReadListedAndRemoved() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                let created = try await own.create("f")
                try await Self.exercise(own, created.entry.node)
                try await own.close(created.opened.handle)
                try await Self.exercise(own, created.entry.node)
                let handle = try await own.open("f", .writing)
                try await own.write(handle, "edit")
                try await Self.exercise(own, created.entry.node)
                try await own.close(handle)
                let directory = try await own.filesystem.makeDirectory(Array("d".utf8), in: own.directory)
                try await Self.exercise(own, directory.node)
                let link = try await own.filesystem.makeSymbolicLink(Array("l".utf8), in: own.directory, to: [1])
                try await Self.exercise(own, link.node)
            }
        }

        @Test func whatAnEditGotIsThereWhenItIsPublished() async throws {
            try await Host.run(2) { hosts in
                let own = hosts[0]
                try await own.store("f", "x")
                let node = try await own.node("f")
                for (value, giver) in hosts.enumerated() {
                    // It is known here that there are none, or which.
                    _ = try await own.filesystem.extendedAttributeNames(of: node, for: .unknown)
                    let handle = try await own.open("f", .writing)
                    try await own.write(handle, "edit")
                    let known = try await giver.node("f")
                    try await giver.filesystem.setExtendedAttribute(Self.name, [UInt8(value)], of: known, .set)
                    try await own.close(handle)
                    for host in hosts {
                        let found = try await host.filesystem.extendedAttribute(Self.name, of: try await host.node("f"))
                        #expect(found == [UInt8(value)])
                    }
                }
            }
        }

        @Test func nothingIsAskedWhereThereAreNone() async throws {
            var believing = FilesystemOptions()
            believing.caching.names = 1000
            try await Host.run(options: believing) { hosts in
                let own = hosts[0]
                try await own.store("f", "x")
                let node = try await own.filesystem.lookup(Array("f".utf8), in: own.directory).node
                let requests = try await own.requests {
                    for _ in 0..<3 {
                        for name in ["security.capability", "system.posix_acl_access"] {
                            let found = try await code {
                                _ = try await own.filesystem.extendedAttribute(Array(name.utf8), of: node)
                            }
                            #expect(found == ENODATA)
                        }
                    }
                }
                #expect(requests == 0)
            }
        }

        @Test func theListAndTheModeSayTheSame() async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let (filesystem, name) = (own.filesystem, ExtendedAttributes.accessList)
                let list = try #require(
                    AccessControlList([
                        .init(.owner, 6), .init(.user, 7, id: 3), .init(.owningGroup, 4), .init(.mask, 6),
                        .init(.others, 0),
                    ]))
                try await own.store("f", "x")
                let node = try await own.node("f")
                try await filesystem.setExtendedAttribute(name, list.encoded, of: node, .set)
                #expect(try await other.permissions("f")?.mode == 0o660)
                _ = try await other.change("f", AttributeChange(mode: 0o604))
                let changed = try await filesystem.extendedAttribute(name, of: node)
                #expect(AccessControlList(encoded: changed) == list.with(mode: 0o604))
                // A list that is a mode leaves none.
                let plain = try #require(
                    AccessControlList([.init(.owner, 7), .init(.owningGroup, 5), .init(.others, 1)]))
                try await filesystem.setExtendedAttribute(name, plain.encoded, of: node, .set)
                #expect(try await other.permissions("f")?.mode == 0o751)
                #expect(try await other.extended("system.posix_acl_access", of: "f") == nil)
                try await filesystem.removeExtendedAttribute(name, of: node)
                let nonsense = try await code {
                    try await filesystem.setExtendedAttribute(name, [1, 2, 3], of: node, .set)
                }
                #expect(nonsense == EINVAL)
                // Only directories give one to others.
                let misplaced = try await code {
                    try await filesystem.setExtendedAttribute(
                        ExtendedAttributes.defaultList, list.encoded, of: node, .set)
                }
                #expect(misplaced == EACCES)
            }
        }

        @Test func whoIsNobodyHereIsInNoListAndStaysInIt() async throws {
            var options = FilesystemOptions.withoutMemory
            options.identities = KnownIdentities(users: [0...10], groups: [0...10])
            try await Host.run(options: options) { hosts in
                let (own, filesystem) = (hosts[0], hosts[0].filesystem)
                try await own.store("f", "x")
                let node = try await own.node("f")
                let inode = try await filesystem.client.target(of: Array("f".utf8), in: own.directory.inode)
                for name in [ExtendedAttributes.accessList, ExtendedAttributes.defaultList] {
                    let entries: [AccessControlList.Entry] = [
                        .init(.owner, 6), .init(.user, 6, id: 10), .init(.user, 4, id: 11), .init(.owningGroup, 4),
                        .init(.mask, 6), .init(.others, 4),
                    ]
                    let whole = try #require(AccessControlList(entries))
                    let node = name == ExtendedAttributes.accessList ? node : own.directory
                    let inode = name == ExtendedAttributes.accessList ? inode : own.directory.inode
                    _ = try await filesystem.client.setAttributes(
                        inode,
                        InodeChange(
                            ownership: Ownership(mode: 0o664),
                            extended: [.init(operation: .set, name: name, value: whole.encoded)]))
                    let seen = AccessControlList(encoded: try await filesystem.extendedAttribute(name, of: node))
                    #expect(seen?.entries == entries.filter { $0.id != 11 })
                    let part = try #require(seen).encoded
                    #expect(
                        try await code { try await filesystem.setExtendedAttribute(name, part, of: node, .set) } == EPERM)
                    #expect(try await code { try await filesystem.removeExtendedAttribute(name, of: node) } == EPERM)
                    // What is about those who are known is theirs to change.
                    let stored = try await filesystem.client.extendedAttributes(of: inode)
                    #expect(stored.map(\.value) == [whole.encoded])
                    _ = try await filesystem.client.setAttributes(
                        inode, InodeChange(extended: [.init(operation: .set, name: name, value: part)]))
                    try await filesystem.removeExtendedAttribute(name, of: node)
                }
            }
        }

        @Test func whoIsInAnotherGroupTakesTheSetgidBit() async throws {
            try await Host.run { hosts in
                let own = hosts[0]
                try await own.store("f", "x")
                let node = try await own.node("f")
                let list = try #require(
                    AccessControlList([.init(.owner, 7), .init(.owningGroup, 7), .init(.others, 0)]))
                func mode(_ group: UInt32, _ caller: Caller) async throws -> UInt16? {
                    _ = try await own.change("f", AttributeChange(user: 5, group: group))
                    _ = try await own.change("f", AttributeChange(mode: 0o2770))
                    try await own.filesystem.setExtendedAttribute(
                        ExtendedAttributes.accessList, list.encoded, of: node, .set, by: caller)
                    return try await own.permissions("f")?.mode
                }
                let user = Caller(thread: 1, user: 5, group: 6)
                #expect(try await mode(6, user) == 0o2770)
                #expect(try await mode(TestCreators.sharedGroup, user) == 0o2770)
                #expect(try await mode(8, user) == 0o770)
                #expect(try await mode(8, .unknown) == 0o2770)
            }
        }
    }
}

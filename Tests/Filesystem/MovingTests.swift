import Client
import Filesystem
import Glibc
import Protocol
import Testing

extension OnCluster {
    /// Files that get a name in another shard before they are published.
    @Suite struct MovingTests {
        @Test(arguments: [false, true]) func theNewShardIsWaitedFor(isEdit: Bool) async throws {
            try await Host.run(2, client: .impatient) { hosts in
                let (near, far) = try await hosts[0].apart()
                let (own, other) = (hosts[0].at(near), hosts[1].at(far))
                if isEdit { try await own.store("f", "old") }
                let handle = isEdit ? try await own.open("f", .writing) : try await own.create("f").opened.handle
                try await own.write(handle, "new", at: 3)
                try await own.move("f", to: far)
                await own.lose([far.inode.shard])
                async let closed: Void = own.close(handle)
                await own.misses(4)
                try await own.reach()
                try await closed
                #expect(try await other.contents("f") == (isEdit ? "oldnew" : "\0\0\0new"))
                #expect(own.losses.lines == [])
            }
        }

        /// The coordinator has moved the name, and its answer was lost.
        @Test(arguments: [false, true])
        func anEditGoesWithANameOfWhichNobodyHeardThatItMoved(looks: Bool) async throws {
            try await Host.run(2, client: .impatient) { hosts in
                let (near, far) = try await hosts[0].apart()
                let (own, other) = (hosts[0].at(near), hosts[1].at(near))
                try await own.store("f", "old")
                let node = try await own.node("f")
                let handle = try await own.open("f", .writing)
                try await own.write(handle, "new", at: 3)
                await own.lose([], coordinator: true)
                #expect(try await code { try await own.move("f", to: far) } == ETIMEDOUT)
                // As the coordinator does it for whoever asked.
                try await other.move("f", to: far)
                try await own.reach()
                if looks {
                    #expect(try await code { _ = try await own.node("f") } == ENOENT)
                    #expect(try await own.at(far).node("f") == node)
                    #expect(try await own.at(far).contents("f") == "oldnew")
                }
                try await own.close(handle)
                for host in hosts { #expect(try await host.at(far).contents("f") == "oldnew") }
                #expect(try await code { _ = try await other.node("f") } == ENOENT)
            }
        }

        /// What nobody has moved stays where it is.
        @Test func anEditWhoseNameWasNotMovedIsPublishedThere() async throws {
            try await Host.run(client: .impatient) { hosts in
                let (near, far) = try await hosts[0].apart()
                let own = hosts[0].at(near)
                try await own.store("f", "old")
                try await own.at(far).store("f", "another")
                let handle = try await own.open("f", .writing)
                try await own.write(handle, "new", at: 3)
                await own.lose([], coordinator: true)
                #expect(try await code { try await own.move("f", to: far) } == ETIMEDOUT)
                try await own.reach()
                try await own.close(handle)
                #expect(try await own.contents("f") == "oldnew")
                #expect(try await own.at(far).contents("f") == "another")
            }
        }

        /// Where it was made it never has a name that others could open it by, with whatever rights.
        @Test func aNewFileIsSeenInItsDirectoryOnly() async throws {
            try await Host.run(2, client: .impatient) { hosts in
                let (near, far) = try await hosts[0].apart()
                let (own, other) = (hosts[0].at(near), hosts[1].at(far))
                let created = try await own.create("f")
                try await own.write(created.opened.handle, "new")
                try await own.move("f", to: far)
                // Nobody else has to move it.
                await own.lose([], coordinator: true)
                try await own.close(created.opened.handle)
                #expect(try await other.contents("f") == "new")
                let edges = try await other.filesystem.client.readFullDirectory(near.inode)
                #expect(edges.map { String(decoding: $0.name, as: UTF8.self) } == [])
                #expect(try await own.at(far).node("f") == created.entry.node)
            }
        }

        @Test func aNewFileBringsItsRights() async throws {
            try await Host.run(2) { hosts in
                let (near, far) = try await hosts[0].apart()
                let (own, other) = (hosts[0].at(near), hosts[1].at(far))
                let caller = Caller(thread: 1, user: 7, group: 8)
                let created = try await own.filesystem.create(
                    Array("f".utf8), in: near, .writing, permissions: 0o640, by: caller)
                try await own.write(created.opened.handle, "new")
                try await own.move("f", to: far)
                try await own.close(created.opened.handle)
                #expect(try await other.permissions("f") == Permissions(mode: 0o640, user: 7, group: 8))
            }
        }

        /// What is done to a file when an edit of it knows what it has to bring and is not published yet; and when it
        /// is published, and nobody has looked yet what was done meanwhile.
        @Test(arguments: ["nothing", "a chmod back", "a chown", "a list", "no list"])
        func changesDuringAMoveHoldInTheirOrder(later: String) async throws {
            try await Host.run(2, options: .withoutMemory) { hosts in
                let (near, far) = try await hosts[0].apart()
                let (own, other) = (hosts[0].at(far), hosts[1].at(far))
                let list = try #require(
                    AccessControlList([
                        .init(.owner, 6), .init(.user, 6, id: 3), .init(.owningGroup, 4), .init(.mask, 6),
                        .init(.others, 0),
                    ]))
                try await own.at(near).store("f", "old")
                _ = try await own.at(near).change("f", AttributeChange(mode: 0o600))
                try await own.at(near).move("f", to: far)
                let seen = try await other.filesystem.lookup(Array("f".utf8), in: far).node
                func change(_ change: AttributeChange) async throws {
                    _ = try await other.filesystem.setAttributes(seen, change, through: nil)
                }
                try await own.gated(far.inode.shard) { toName in
                    try await own.gated(near.inode.shard) { toBase in
                        let handle = try await own.open("f", .writing)
                        try await own.write(handle, "new")
                        await toName.hold(.publishFileWithAttributes)
                        async let closed: Void = own.close(handle)
                        try await toName.holds(.publishFileWithAttributes)
                        try await change(AttributeChange(mode: 0o640))
                        if later == "no list" {
                            try await other.filesystem.setExtendedAttribute(
                                ExtendedAttributes.accessList, list.encoded, of: seen, .set)
                        }
                        await toBase.hold(.statAttributes)
                        await toName.pass(.publishFileWithAttributes)
                        try await toBase.holds(.statAttributes)
                        switch later {
                        case "a chmod back": try await change(AttributeChange(mode: 0o600))
                        case "a chown": try await change(AttributeChange(user: 7))
                        case "a list":
                            try await other.filesystem.setExtendedAttribute(
                                ExtendedAttributes.accessList, list.encoded, of: seen, .set)
                        case "no list":
                            try await other.filesystem.removeExtendedAttribute(ExtendedAttributes.accessList, of: seen)
                        default: break
                        }
                        await toBase.pass(.statAttributes)
                        try await closed
                    }
                }
                let expected: UInt16 = switch later {
                case "a chmod back": 0o600
                case "a list", "no list": 0o660
                default: 0o640
                }
                for host in [own, other] {
                    #expect(try await host.contents("f") == "new")
                    let rights = try #require(try await host.permissions("f"))
                    #expect(rights.mode == expected)
                    #expect((rights.user == 7) == (later == "a chown"))
                    let found = try await host.extended("system.posix_acl_access", of: "f")
                    #expect((found != nil) == (later == "a list"))
                    // Of what it was published with nothing is left.
                    let raw = try await host.filesystem.client.extendedAttributes(of: try await host.target("f"))
                    #expect(raw.count == (later == "a list" ? 1 : 0))
                }
            }
        }
    }
}

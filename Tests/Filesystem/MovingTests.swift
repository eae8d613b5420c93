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
    }
}

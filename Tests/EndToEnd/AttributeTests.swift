import Client
import Foundation
import Protocol
import Testing

extension EndToEnd {
    /// Owners, modes and extended attributes: the client library on real services.
    @Suite(.serialized) struct AttributeTests {
        private static let file = Array("file".utf8)
        private static let directory = Array("directory".utf8)

        /// As much as an inode may have, in one request.
        private static let change = InodeChange(
            ownership: Ownership(mode: 0o2770, uid: 12, gid: 34),
            extended: [
                ExtendedAttributeChange(
                    operation: .create, name: Array("user.long".utf8),
                    value: [UInt8](repeating: 7, count: AttributeLimits.extendedBytes - 16 - 9))
            ])

        @Test(
            "4 KiB of them come with the request that makes an inode, and outlast everything",
            .timeLimit(.minutes(3)))
        func making() throws {
            let cluster = try TestCluster()
            try cluster.withClient { client in
                let ownership = try await client.defaultOwnership()
                #expect(ownership.isSet && ownership.uid == geteuid() && ownership.gid == getegid())
                let writer = try await client.createFile(in: .root, note: [])
                try await writer.write([UInt8](repeating: 1, count: 300_000), at: 0)
                let version = try await writer.finish(
                    Publication(directory: .root, name: Self.file, condition: .nothing, change: Self.change))
                #expect(version.ownership == Self.change.ownership)
                _ = try await client.makeDirectory(Self.directory, in: .root, change: Self.change)
                try await Self.expect(Self.change, client)
                // Nothing more fits.
                await #expect(throws: ClientError.self) {
                    try await client.setAttributes(
                        writer.id,
                        InodeChange(extended: [
                            ExtendedAttributeChange(operation: .set, name: Array("user.b".utf8), value: [])
                        ]))
                }
                let fifo = try await client.makeSpecialFile(Array("fifo".utf8), in: .root, .fifo)
                #expect(try await client.attributes(of: fifo.id).stored?.special == .fifo)
            }
            try cluster.killAndAwaitRestart("shard")
            try cluster.withClient { client in
                try await Self.expect(Self.change, client)
                // A replacement that says nothing of them inherits them.
                let writer = try await client.createFile(in: .root, note: [])
                _ = try await writer.finish(Publication(directory: .root, name: Self.file))
                try await Self.expectInherited(client)
            }
            let registry = "$(cat '\(cluster.directory)/run/registry.address')"
            let owner = "'\(TestCluster.binaries)/sterna' owner --registry \(registry)"
            let told = try sh("\(owner) --key-file '\(cluster.directory)/key' --gid 77 --file-mode 640")
            #expect(told.contains("files        640"))
            #expect(shell("\(owner) --uid 5", seconds: 30).status != 0)
            cluster.stop()
            try cluster.start()
            try cluster.withClient { client in
                try await Self.expectInherited(client)
                // A second start does not choose again.
                let ownership = try await client.defaultOwnership()
                #expect(ownership.gid == 77 && ownership.fileMode == 0o640 && ownership.uid == geteuid())
            }
            cluster.stop()
            let fsck = shell("exec '\(TestCluster.binaries)/sterna' fsck '\(cluster.directory)'", seconds: 60)
            #expect(fsck.status == 0, "\(fsck.output)")
        }

        @Test("holes of sparse files are told", .timeLimit(.minutes(3)))
        func holes() throws {
            let cluster = try TestCluster("--no-mount")
            try cluster.withClient { client in
                let writer = try await client.createFile(in: .root, note: [])
                try await writer.write([1], at: 0)
                try await writer.write([2], at: 64 << 20)
                _ = try await writer.finish(Publication(directory: .root, name: Self.file))
                let found = try await client.attributes(of: writer.id)
                let stored = try #require(found.stored)
                #expect(found.size == 64 << 20 + 1)
                #expect(stored.holeBytes > 60 << 20 && stored.holeBytes < 64 << 20)
                let whole = try await client.createFile(in: .root, note: [])
                try await whole.write([UInt8](repeating: 1, count: 100_000), at: 0)
                _ = try await whole.finish(Publication(directory: .root, name: Array("whole".utf8)))
                #expect(try await client.attributes(of: whole.id).stored?.holeBytes == 0)
            }
        }

        /// All but the right of a program to run as its group, which had other contents.
        private static func expectInherited(_ client: Client) async throws {
            var inherited = change
            inherited.ownership.mode = change.ownership.mode.map { $0 & ~0o2000 }
            try await expect(change, client, [directory])
            try await expect(inherited, client, [file])
        }

        private static func expect(
            _ change: InodeChange, _ client: Client, _ names: [[UInt8]] = [file, directory]
        ) async throws {
            for name in names {
                let id = try await client.target(of: name, in: .root)
                let stored = try #require(try await client.attributes(of: id).stored)
                #expect(stored.ownership == change.ownership)
                let extended = try await client.extendedAttributes(of: id)
                #expect(extended.map(\.name) == change.extended.map(\.name))
                #expect(extended.map(\.value) == change.extended.map(\.value))
            }
        }
    }
}

import Client
import Filesystem
import Glibc
import Protocol
import TestSupport
import Testing

extension OnCluster {
    /// Changes of a file are done in the order in which they arrive, whether or not somebody still waits for them.
    @Suite struct ArrivalTests {
        private static let piece = 1 << 20

        /// Its buffers are soon full, and it waits as long as it takes.
        private static var client: ClientOptions {
            var client = ClientOptions()
            (client.writeTimeoutNanoseconds, client.openBufferBytes) = (0, piece)
            return client
        }

        /// A new file whose beginning is on its way to where it cannot arrive, so that it cannot be cut.
        private static func fill(_ host: Host) async throws -> (node: NodeID, handle: HandleID) {
            let created = try await host.create("f")
            await host.lose([host.directory.inode.shard])
            for index in 0..<2 {
                let bytes = [UInt8](repeating: 1, count: piece)
                try await host.filesystem.write(
                    created.opened.handle, bytes, at: UInt64(index * piece), appends: false)
            }
            return (created.entry.node, created.opened.handle)
        }

        private static func cut(_ node: NodeID, _ host: Host) async -> Task<Int32, Never> {
            await host.begin {
                _ = try await host.filesystem.setAttributes(node, AttributeChange(size: 40_960), through: nil)
            }
        }

        @Test func whatIsWrittenAfterATruncationIsNotCutOff() async throws {
            try await Host.run(2, client: Self.client) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let (node, handle) = try await Self.fill(own)
                let cut = await Self.cut(node, own)
                #expect(try await own.filesystem.takesAtOnce(handle, "late", at: UInt64(Self.piece)) == false)
                let written = await own.begin { try await own.write(handle, "late", at: UInt64(Self.piece)) }
                try await own.reach()
                #expect(await cut.value == 0)
                #expect(await written.value == 0)
                try await own.close(handle)
                #expect(try await other.size("f") == UInt64(Self.piece) + 4)
            }
        }

        @Test func whatIsWrittenAfterAnOpenThatEmptiesIsThere() async throws {
            try await Host.run(2, client: Self.client) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                try await own.store("f", "old")
                let node = try await own.node("f")
                let handle = try await own.open("f", .writing)
                try await own.write(handle, "one")
                await own.lose([own.directory.inode.shard])
                let emptied = await own.begin {
                    let opened = try await own.filesystem.open(node, .truncating, by: .unknown)
                    await own.filesystem.takeBack(opened)
                }
                #expect(try await own.filesystem.takesAtOnce(handle, "second", at: 0) == false)
                let written = await own.begin { try await own.write(handle, "second", at: 0) }
                try await own.reach()
                #expect(await emptied.value == 0)
                #expect(await written.value == 0)
                try await own.close(handle)
                #expect(try await other.contents("f") == "second")
            }
        }

        @Test func pagesWaitOnlyForChangesOfTheirBytes() async throws {
            var options = FilesystemOptions()
            // So that a page which is held up fails.
            options.patienceNanoseconds = 15_000_000_000
            try await Host.run(2, options: options, client: Self.client) { hosts in
                let (own, other) = (hosts[0], hosts[1])
                let (node, handle) = try await Self.fill(own)
                let cut = await Self.cut(node, own)
                @Sendable func writePage(at offset: Int) async throws {
                    try await own.filesystem.write(
                        handle, [UInt8](repeating: 2, count: 4096), at: UInt64(offset), appends: false, isPage: true)
                }
                // Of what is not to be cut off: that is done before the servers are back.
                #expect(try await code { try await writePage(at: 4096) } == 0)
                let far = await own.begin { try await writePage(at: Self.piece) }
                try await own.reach()
                #expect(await [cut.value, far.value] == [0, 0])
                try await own.close(handle)
                #expect(try await other.size("f") == UInt64(Self.piece) + 4096)
                let read = try await other.filesystem.read(try await other.open("f", .reading), at: 4095, count: 2)
                #expect(read.bytes == [1, 2])
            }
        }
    }
}

extension Host {
    /// Begins what a program asks for, as front ends do it; it has arrived when this returns.
    func begin(_ body: @escaping @Sendable () async throws -> Void) async -> Task<Int32, Never> {
        let task = filesystem.loop.task { () async -> Int32 in
            do {
                return try await code(body)
            } catch {
                Issue.record(error)
                return -1
            }
        }
        await filesystem.loop.task {}.value
        return task
    }
}

extension Filesystem {
    /// Whether the bytes were taken without waiting.
    fileprivate func takesAtOnce(_ handle: HandleID, _ text: String, at offset: UInt64) throws -> Bool {
        try Array(text.utf8).withUnsafeBytes { try writeNow(handle, $0, at: offset, appends: false) }
    }
}

import Client
import EventLoop
import Foundation
import Protocol
import Testing

extension EndToEnd {
    /// Versions of files: the client library, real shards, a real collector.
    @Suite(.serialized) struct PublishingTests {
        private static let name = Array("file".utf8)
        private static let options =
            "--with gc:--first-delay=1 --with gc:--destruct-interval=1 --with gc:--destruct-margin=1"
            + " --with gc:--destruct-pause=5 --with block:--erase-delay=1 --with block:--unsafe-erase-delay"
            + " --with shard:--minimum-history-age=1"

        @Test(
            "a superseded version is read for its grace and collected afterwards; the number stays",
            .timeLimit(.minutes(3)))
        func grace() throws {
            let cluster = try TestCluster(Self.options)
            let (first, second) = try cluster.withClient { client in
                let first = try await Self.publish(client, 1, .nothing)
                await Self.expect(.cannotOverrideName, client, .nothing)
                let number = try await client.version(of: first).number
                let second = try await Self.publish(client, 2, .version(first), number: number)
                await Self.expect(.mismatchingTarget, client, .version(first))
                #expect(try await client.version(of: second).number == first)
                // The collector comes by, and leaves it alone.
                let draft = try await client.createFile(in: .root, note: [])
                await draft.abandon()
                try await Self.awaitEnd(of: draft.id, client)
                #expect(try await Self.read(first, client) == Self.content(1))
                #expect(try await client.newestVersion(ofFile: first).attributes.id == second)
                return (first, second)
            }
            try expect(cluster, 2)
            cluster.stop()
            cluster.arguments += " --with shard:--superseded-grace=1"
            try cluster.start()
            try cluster.withClient { client in
                let third = try await Self.publish(client, 3, .version(second), number: first)
                try await Self.awaitEnd(of: second, client)
                #expect(try await client.newestVersion(ofFile: first, near: third).attributes.id == third)
                #expect(try await Self.read(third, client) == Self.content(3))
                // What its shard promised then holds.
                #expect(try await Self.read(first, client) == Self.content(1))
            }
            try expect(cluster, 3)
            cluster.stop()
            let fsck = shell("exec '\(TestCluster.binaries)/sterna' fsck '\(cluster.directory)'", seconds: 60)
            #expect(fsck.status == 0, "\(fsck.output)")
        }

        @Test(
            "who reads a version that was collected goes on with one that only adds to it, and else sees ESTALE",
            .timeLimit(.minutes(3)))
        func readers() throws {
            let cluster = try TestCluster(Self.options + " --with shard:--superseded-grace=1")
            let second = try SecondMount(of: cluster)
            defer { _ = second.end() }
            let mark = cluster.directory + "/mark"
            let program = BackgroundShell(
                "exec python3 '\(program("superseded.py"))' '\(cluster.mount)' '\(second.path)' '\(mark)'")
            defer { program.signal(SIGKILL) }
            func awaitMark() throws {
                try waitUntil(seconds: 60, "the program has come so far") {
                    FileManager.default.fileExists(atPath: mark)
                }
            }
            try awaitMark()
            let opened = try cluster.withClient { client in
                [
                    try await client.lookup(Array("appended".utf8), in: .root).targetId,
                    try await client.lookup(Array("patched".utf8), in: .root).targetId,
                ]
            }
            try FileManager.default.removeItem(atPath: mark)
            try awaitMark()
            try cluster.withClient { client in
                for version in opened { try await Self.awaitEnd(of: version, client) }
            }
            try FileManager.default.removeItem(atPath: mark)
            let end = program.wait(seconds: 60)
            #expect(end.status == 0, "\(end.output)")
        }

        private func expect(_ cluster: TestCluster, _ version: UInt8) throws {
            let seen = try Data(contentsOf: URL(fileURLWithPath: cluster.mount + "/file"))
            #expect(Array(seen) == Self.content(version))
            #expect(try sh("ls '\(cluster.mount)'") == "file")
        }

        // MARK: What a client does

        private static func content(_ version: UInt8) -> [UInt8] { [UInt8](repeating: version, count: 300_000) }

        private static func publish(
            _ client: Client, _ version: UInt8, _ condition: Publication.Condition, number: InodeID? = nil
        ) async throws -> InodeID {
            let writer = try await client.createFile(in: .root, note: [])
            try await writer.write(content(version), at: 0)
            _ = try await writer.finish(
                Publication(
                    directory: .root, name: name, condition: condition, number: number, supersedes: true))
            return writer.id
        }

        private static func expect(
            _ code: ProtocolError, _ client: Client, _ condition: Publication.Condition
        ) async {
            await #expect { try await publish(client, 9, condition) } throws: { error in
                (error as? ClientError)?.code == code
            }
        }

        private static func read(_ version: InodeID, _ client: Client) async throws -> [UInt8] {
            try await client.open(version).read(at: 0, count: 1 << 20).bytes
        }

        /// Waits until nothing is left of a file.
        private static func awaitEnd(of id: InodeID, _ client: Client) async throws {
            let start = client.loop.monotonicNanoseconds
            while client.loop.monotonicNanoseconds - start < 90_000_000_000 {
                do throws(ClientError) {
                    _ = try await client.statTransientFile(id)
                } catch {
                    guard error.isRefusal(.fileNotFound) else { throw error }
                    await #expect(throws: ClientError.self) { try await client.version(of: id) }
                    return
                }
                await client.loop.sleep(nanoseconds: 200_000_000)
            }
            Issue.record("\(id) is not collected")
        }
    }
}

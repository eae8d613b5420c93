import Client
import Erasure
import EventLoop
import Foundation
import Protocol
import Testing

extension EndToEnd {
    /// Files that refer to spans of others (REFER_SPANS), among all that a cluster does to files.
    @Suite(.serialized) struct SharedSpanTests {
        private static let copies = 200
        private static let options =
            "--block-services 8 --policy rs:4,2 --keep-deleted 1s --with registry:--has-files-interval=2"
            + " --with shard:--minimum-history-age=1 --with gc:--no-scrub --with gc:--migrate-interval=2"
            + " --with gc:--first-delay=1 --with gc:--collect-interval=3 --with gc:--destruct-interval=2"
            + " --with gc:--collect-directories-min-edge-age=1 --with gc:--destruct-margin=1"
            + " --with gc:--destruct-pause=3 --with block:--erase-delay=1 --with block:--unsafe-erase-delay"

        @Test(
            "200 copies, a scrub, a drained disk, another policy, deleted in any order: all is read, all space returns",
            .timeLimit(.minutes(10)))
        func copies() throws {
            let cluster = try TestCluster(Self.options)
            try Self.fill(cluster, bytes: 25_000_000)
            let before = try Self.storedBytes(cluster)
            try Self.makeCopies(cluster, Self.copies)
            try Self.checkParts(cluster)
            // What is cut off or copied takes space of its own: the end of each tenth copy, 5,000 bytes.
            #expect(try Self.storedBytes(cluster) < before + 20_000_000)
            try Self.check(cluster)

            let scrub = try GcInstance(
                cluster, "scrub", "--scrub-bytes-per-second-per-disk 0 --scrub-interval 1000000")
            try scrub.start()
            try Self.drain(cluster, disk: 3)
            try Self.deleteEveryThird(cluster)
            try scrub.awaitScrub(disks: 8, seconds: 120)
            for column in ["missing", "truncated", "corrupt", "unrepairable"] {
                #expect(scrub.total(column) == 0, "\(column): \(scrub.log.suffix(2000))")
            }
            try scrub.stop()
            try Self.check(cluster)

            // The spans are stored anew, once for all that refer to them.
            cluster.stop()
            cluster.arguments = Self.options.replacingOccurrences(of: "rs:4,2", with: "mirror:2")
            try cluster.start()
            let defrag = try GcInstance(cluster, "defrag", "--no-scrub --defrag --defrag-interval 1000")
            try defrag.start("--defrag-bytes-per-second 0")
            try Self.deleteEveryThird(cluster)
            try waitUntil(seconds: 120, "a round of defragmentation: \(defrag.log.suffix(1000))") {
                defrag.log.contains("defrag: round 1 took")
            }
            try defrag.stop()
            #expect(!defrag.log.contains("failures"), "\(defrag.log.suffix(3000))")
            try cluster.remount()
            try Self.check(cluster)
            try Self.fsck(cluster)
            try Self.deleteRest(cluster)
        }

        @Test(
            "servers of the base protocol's abilities read such files, and collect them", .timeLimit(.minutes(6)))
        func baseProtocol() throws {
            let cluster = try TestCluster(Self.options)
            try Self.fill(cluster, bytes: 12_000_000)
            try Self.makeCopies(cluster, 20)
            cluster.stop()
            let base = ["registry", "shard", "cdc", "gc", "mount"].map { " --with \($0):--base-protocol-only" }
            cluster.arguments += base.joined()
            try cluster.start()
            try Self.check(cluster)
            try cluster.withClient { client in
                let directory = try await client.resolve(path: "/d")
                let source = try await client.lookup(Array("f".utf8), in: directory).targetId
                let file = try await client.construct(in: directory.shard, note: [])
                do throws(ClientError) {
                    _ = try await client.refer(file, at: 0, to: source, 0..<4096)
                    Issue.record("it was not refused")
                } catch {
                    #expect(error.isRefusal(.unrecognizedRequest))
                }
            }
            try Self.deleteEveryThird(cluster)
            try Self.check(cluster)
            try Self.deleteRest(cluster)
        }

        @Test("adding to a large file stores what is added, patching it one span", .timeLimit(.minutes(4)))
        func edits() throws {
            let cluster = try TestCluster(Self.options)
            let size = 200_000_000
            try Self.fill(cluster, bytes: size)
            let before = try Self.storedBytes(cluster)
            try Self.edit(cluster, as: "longer") { writer in
                try await writer.write(Array(repeating: UInt8(ascii: "t"), count: 1024), at: UInt64(size))
            }
            let longer = try Self.storedBytes(cluster)
            #expect(longer - before < 50_000)
            try Self.edit(cluster, as: "patched") { writer in
                try await writer.write(Array(repeating: UInt8(ascii: "t"), count: 4096), at: 0)
                try await writer.synchronize()
                try await writer.write([UInt8(ascii: "t")], at: 4096)
            }
            // Twice, each with its parity.
            #expect(try Self.storedBytes(cluster) - longer < 4 * 16_000_000)
            try sh(
                """
                set -e; cd '\(cluster.mount)/d'; size=$(stat -c %s f)
                ts() { head -c $1 /dev/zero | tr '\\0' t; }
                [ $(stat -c %s longer) = $((size + 1024)) ]; head -c $size longer | cmp - f
                ts 1024 | cmp - <(tail -c 1024 longer)
                (ts 4097; tail -c +4098 f) | cmp - patched
                """, seconds: 120)
        }

        /// The next version of `d/f`, under another name.
        private static func edit(
            _ cluster: TestCluster, as name: String, _ change: @escaping @Sendable (FileWriter) async throws -> Void
        ) throws {
            try cluster.withClient { client in
                let directory = try await client.resolve(path: "/d")
                let source = try await client.lookup(Array("f".utf8), in: directory).targetId
                let size = try await client.statFile(source).size
                let writer = try await client.continueFile(source, size: size, in: directory, note: [])
                try await change(writer)
                _ = try await writer.finish(linkingIn: directory, name: Array(name.utf8))
            }
        }

        // MARK: Steps

        private static func fill(_ cluster: TestCluster, bytes: Int) throws {
            try sh(
                """
                cd '\(cluster.mount)' && mkdir d && head -c \(bytes) /dev/urandom > d/f
                cat d/f | sha256sum > '\(cluster.directory)/sum'
                """)
        }

        /// Copies of `d/f`; every tenth is cut in the middle of a span and goes on with other bytes.
        private static func makeCopies(_ cluster: TestCluster, _ count: Int) throws {
            let tail = Array(repeating: UInt8(ascii: "t"), count: 200)
            try cluster.withClient { client in
                let directory = try await client.resolve(path: "/d")
                let source = try await client.lookup(Array("f".utf8), in: directory).targetId
                let size = try await client.statFile(source).size
                let policies = try await client.writePolicies(of: directory)
                for number in 0..<count {
                    let isCut = number % 10 == 3
                    let file = try await client.construct(in: directory.shard, note: [])
                    let wanted = 0..<(isCut ? (size - 5000) / 4096 * 4096 : size)
                    let range = try #require(try await client.referable(wanted, of: source, for: policies))
                    #expect(range == wanted)
                    #expect(try await client.refer(file, at: 0, to: source, range) == range.upperBound)
                    if isCut {
                        let span = AddInlineSpanRequest(
                            fileId: file.id, cookie: file.cookie, storageClass: .inline, byteOffset: range.upperBound,
                            size: UInt32(tail.count), crc: CRC32C(of: tail), body: tail)
                        _ = try await client.call(span, shard: file.id.shard)
                    }
                    _ = try await client.link(file, in: directory, name: Array("copy\(number)".utf8))
                    let reader = try await client.open(file.id)
                    let end = try await reader.read(at: range.upperBound - 100, count: 500)
                    #expect(end.count == (isCut ? 300 : 100))
                }
            }
            try sh(
                """
                cd '\(cluster.mount)' && size=$(stat -c %s d/f) && kept=$(((size - 5000) / 4096 * 4096))
                (head -c $kept d/f; head -c 200 /dev/zero | tr '\\0' t) | sha256sum > '\(cluster.directory)/cut-sum'
                """)
        }

        /// Of a range that begins and ends anywhere in `d/f`, of two spans, what can be shared begins with the second
        /// and ends with a page.
        private static func checkParts(_ cluster: TestCluster) throws {
            try cluster.withClient { client in
                let directory = try await client.resolve(path: "/d")
                let source = try await client.lookup(Array("f".utf8), in: directory).targetId
                let size = try await client.statFile(source).size
                let part = try #require(
                    try await client.referable(
                        1..<size - 1, of: source, for: try await client.writePolicies(of: directory)))
                #expect(part.lowerBound > 4096 && part.upperBound == (size - 1) / 4096 * 4096)
            }
        }

        private static func check(_ cluster: TestCluster) throws {
            try sh(
                """
                cd '\(cluster.mount)/d' && for file in *; do
                    case $file in copy*3) sum=cut-sum ;; *) sum=sum ;; esac
                    [ "$(sha256sum < $file)" = "$(cat '\(cluster.directory)'/$sum)" ] || { echo $file differs; exit 1; }
                done
                """, seconds: 300)
        }

        /// Any third of the copies that are there.
        private static func deleteEveryThird(_ cluster: TestCluster) throws {
            try sh("cd '\(cluster.mount)/d' && ls | grep copy | shuf | awk 'NR % 3 == 0' | xargs rm", seconds: 120)
        }

        /// The rest in any order, the first file among them: nothing of it stays on the disks.
        private static func deleteRest(_ cluster: TestCluster) throws {
            try sh("cd '\(cluster.mount)/d' && ls | shuf | tail -n +2 | xargs rm", seconds: 120)
            try check(cluster)
            #expect(try storedBytes(cluster) > 1_000_000, "one file is left")
            try sh("rm '\(cluster.mount)'/d/*")
            try waitUntil(seconds: 200, "the disks are empty: \((try? storedBytes(cluster)) ?? -1) bytes") {
                (try? storedBytes(cluster)) == 0
            }
            try fsck(cluster)
        }

        private static func drain(_ cluster: TestCluster, disk: Int) throws {
            let registry = try sh("cat '\(cluster.directory)/run/registry.address'")
            let table = try sh("'\(TestCluster.binaries)/sterna' blockservices --raw --registry \(registry)")
            let line = try #require(
                table.split(separator: "\n").first { $0.hasSuffix("\(cluster.directory)/disks/\(disk)") }, "\(table)")
            let number = line.split(separator: "\t")[0]
            let result = shell(
                "exec '\(TestCluster.binaries)/sterna' drain \(number) --registry \(registry)"
                    + " --key-file '\(cluster.directory)/key' --retire --settle 1", seconds: 180)
            #expect(result.status == 0 && result.output.contains("may be pulled"), "\(result.output)")
        }

        /// Of blocks, on all disks.
        private static func storedBytes(_ cluster: TestCluster) throws -> Int {
            let sizes = try sh("find '\(cluster.directory)'/disks/*/with_crc -type f -size +3k -printf '%s\\n'")
            return sizes.split(separator: "\n").reduce(0) { $0 + (Int($1) ?? 0) }
        }

        private static func fsck(_ cluster: TestCluster) throws {
            let registry = try sh("cat '\(cluster.directory)/run/registry.address'")
            let live = shell(
                "exec '\(TestCluster.binaries)/sterna' fsck --registry \(registry) --rate 5000 --blocks"
                    + " --key-file '\(cluster.directory)/key'", seconds: 200)
            #expect(live.status == 0, "\(live.output)")
            cluster.stop()
            let stopped = shell("exec '\(TestCluster.binaries)/sterna' fsck '\(cluster.directory)'", seconds: 120)
            #expect(stopped.status == 0, "\(stopped.output)")
            try cluster.start()
        }
    }
}

import Foundation
import Testing

extension EndToEnd {
    /// Disks that are lost or taken out of use while the cluster runs.
    @Suite(.serialized) struct MigrationTests {
        private static let options =
            "--block-services 8 --policy rs:4,2 --with registry:--has-files-interval=2 --with gc:--migrate-interval=2"
            + " --with gc:--first-delay=1 --with gc:--destruct-interval=2 --with gc:--destruct-margin=1"
            // Old blocks are young here, and until a shard hears that the disk is lost they are erased there.
            + " --with gc:--destruct-pause=5 --with block:--erase-delay=1 --with block:--unsafe-erase-delay"

        private static func registry(_ cluster: TestCluster) throws -> String {
            try sh("cat '\(cluster.directory)/run/registry.address'")
        }

        /// The fields of the disk's line: number, domain, class, state, capacity, available, blocks, files, pullable.
        private static func line(_ cluster: TestCluster, disk: Int) throws -> [Substring] {
            let table = try sh("'\(TestCluster.binaries)/sterna' blockservices --raw --registry \(registry(cluster))")
            let path = "\(cluster.directory)/disks/\(disk)"
            let found = table.split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
                .first { $0.count == 10 && $0[9].hasSuffix(path) }
            return try #require(found, "no disk \(path) in:\n\(table)")
        }

        private static func drain(_ cluster: TestCluster, disk: Int, _ arguments: String) throws -> String {
            let (number, registry) = (try line(cluster, disk: disk)[0], try registry(cluster))
            return "exec '\(TestCluster.binaries)/sterna' drain \(number) --registry \(registry)"
                + " --key-file '\(cluster.directory)/key' \(arguments)"
        }

        /// A disk that has blocks in files of their own. Not every disk does: spans are on six of the eight, and small
        /// blocks lie together in a store.
        private static func diskWithLargeBlocks(_ cluster: TestCluster) throws -> Int {
            let disks = cluster.directory + "/disks"
            let block = try sh("find '\(disks)' -path '*/with_crc/*' -type f -size +3k | head -1")
            return try #require(block.dropFirst(disks.count + 1).split(separator: "/").first.flatMap { Int($0) })
        }

        @Test(
            "a lost disk is rebuilt by two migrators at once, one of which is killed, and nothing is missing then",
            .timeLimit(.minutes(6)))
        func lostDisk() throws {
            let cluster = try TestCluster(Self.options)
            try DegradedReadTests.fill(cluster)
            try sh(
                "cd '\(cluster.mount)' && mkdir s && for i in $(seq 200); do head -c 20000 /dev/urandom > s/$i; done")
            try sh("cd '\(cluster.mount)' && find . -type f | sort | xargs sha256sum > '\(cluster.directory)/sums'")
            let disk = try Self.diskWithLargeBlocks(cluster)
            try waitUntil(seconds: 60, "the registry knows that the disk holds files") {
                (try? Self.line(cluster, disk: disk)[7]) == "yes"
            }
            try sh("touch '\(cluster.directory)/lost'")
            // Everything but its key, so that the service itself goes on.
            try sh("\(DegradedReadTests.blocks(cluster, "\(disk)")) -delete")
            let drain = BackgroundShell(try Self.drain(cluster, disk: disk, "--lost --settle 1"))
            try waitUntil(seconds: 60, "some of it is rebuilt") {
                let newer = "-newer '\(cluster.directory)/lost' -path '*with_crc*' -type f -size +3k"
                return shell("[ -n \"$(find '\(cluster.directory)/disks' \(newer) | head -1)\" ]").status == 0
            }
            try cluster.killAndAwaitRestart("gc")
            let result = drain.wait(seconds: 120)
            #expect(result.status == 0 && result.output.contains("may be pulled"), "\(result.output)")

            // The registry asks all 256 shards before it says no; the old blocks' entries have to be collected first.
            try waitUntil(seconds: 200, "no shard knows a file on the disk") {
                (try? Self.line(cluster, disk: disk)[8]) == "yes"
            }
            try cluster.remount()
            try sh("cd '\(cluster.mount)' && sha256sum --quiet -c '\(cluster.directory)/sums'", seconds: 120)
            let registry = try Self.registry(cluster)
            let check = shell(
                "exec '\(TestCluster.binaries)/sterna' fsck --registry \(registry) --rate 5000 --blocks"
                    + " --key-file '\(cluster.directory)/key'", seconds: 120)
            #expect(check.status == 0, "\(check.output)")

            // All the parity is there again: two more disks may go.
            let more = (0..<8).filter { $0 != disk }.prefix(2).map(String.init).joined(separator: " ")
            try sh("for disk in \(more); do \(DegradedReadTests.blocks(cluster, "$disk")) -delete; done")
            try cluster.remount()
            try sh("cd '\(cluster.mount)' && sha256sum --quiet -c '\(cluster.directory)/sums'", seconds: 120)
        }

        @Test("a disk that works is drained, and its files are read as before", .timeLimit(.minutes(4)))
        func drainedDisk() throws {
            let cluster = try TestCluster("--block-services 5 --with registry:--has-files-interval=2")
            try DegradedReadTests.fill(cluster)
            let result = shell(try Self.drain(cluster, disk: 1, "--retire --settle 1"), seconds: 120)
            #expect(result.status == 0 && result.output.contains("may be pulled"), "\(result.output)")
            #expect(try Self.line(cluster, disk: 1)[3] == "DECOMMISSIONED")
            try cluster.remount()
            // Not a byte comes from there any more.
            try sh("rm -rf '\(cluster.directory)/disks/1/with_crc'")
            try DegradedReadTests.check(cluster)
            let again = shell(try Self.drain(cluster, disk: 1, "--undo"), seconds: 60)
            #expect(again.status == 0)
            #expect(try Self.line(cluster, disk: 1)[3] == "DECOMMISSIONED", "that is for good")
            let unknown = shell(
                "'\(TestCluster.binaries)/sterna' drain 1234567890 --registry \(try Self.registry(cluster))")
            #expect(unknown.status != 0 && unknown.output.contains("there is no block service"))
        }
    }
}

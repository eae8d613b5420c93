import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Programs write on while block services die, hang and run full. Two of eight may be gone at a time: RS(4,2).
    @Suite(.serialized) struct WriteFaultTests {
        private static let pieces = 48

        @Test("a write succeeds while a block service is killed again and again", .timeLimit(.minutes(3)))
        func killed() throws {
            let cluster = try Self.cluster()
            let writer = try Self.startWriting(cluster, "killed")
            var kills = 0
            for _ in 0..<200 where !FileManager.default.fileExists(atPath: "\(cluster.directory)/ended") {
                if let pid = cluster.pid(of: "block-2"), kill(pid, SIGKILL) == 0 { kills += 1 }
                usleep(300_000)
            }
            try Self.expectSuccess(writer, cluster, "killed")
            #expect(kills > 0)
        }

        @Test("a write succeeds while two block services hang, and they are read around", .timeLimit(.minutes(3)))
        func paused() throws {
            let cluster = try Self.cluster()
            let pids = try ["block-1", "block-6"].map { try #require(cluster.pid(of: $0)) }
            defer { for pid in pids { kill(pid, SIGCONT) } }
            let writer = try Self.startWriting(cluster, "paused")
            try waitUntil(seconds: 60, "some blocks are there, others under way") {
                shell("[ -n \"$(find '\(cluster.directory)'/disks/*/with_crc -type f -size +100k | head -1)\" ]").status == 0
            }
            for pid in pids { #expect(kill(pid, SIGSTOP) == 0) }
            try Self.expectSuccess(writer, cluster, "paused")
        }

        @Test("a write succeeds although a disk is full", .timeLimit(.minutes(3)))
        func full() throws {
            let disks = NSTemporaryDirectory() + "sterna-disks-" + UUID().uuidString.prefix(8)
            try sh("mkdir -p '\(disks)/3' && mount -t tmpfs -o size=12m tmpfs '\(disks)/3'")
            defer { _ = shell("umount -l '\(disks)/3'; rm -rf --one-file-system '\(disks)'") }
            let cluster = try Self.cluster(disks: disks)
            // The spans of a file keep to six of the eight disks: a quarter of the files are not on this one.
            var free = Int.max
            for number in 1...10 where number <= 2 || free >= 6 << 10 {
                let writer = try Self.startWriting(cluster, "full-\(number)")
                try Self.expectSuccess(writer, cluster, "full-\(number)")
                free = try #require(Int(try sh("df --output=avail -k '\(disks)/3' | tail -1 | tr -d ' '")))
            }
            #expect(free < 6 << 10, "the disk was to become full")
        }

        private static func cluster(disks: String? = nil) throws -> TestCluster {
            let cluster = try TestCluster("--block-services 8 --block-processes 8 --policy rs:4,2", disks: disks)
            try sh("head -c \(pieces)M /dev/urandom > '\(cluster.directory)/source'")
            return cluster
        }

        /// Piece by piece, so that it takes a while.
        private static func startWriting(_ cluster: TestCluster, _ name: String) throws -> BackgroundShell {
            BackgroundShell(
                """
                set -e; trap "touch '\(cluster.directory)/ended'" EXIT
                for i in $(seq 0 \(pieces - 1)); do
                    dd if='\(cluster.directory)/source' bs=1M skip=$i count=1 status=none; sleep 0.05
                done > '\(cluster.mount)/\(name)'
                """)
        }

        /// No error, and every byte is there when nothing comes from a cache.
        private static func expectSuccess(_ writer: BackgroundShell, _ cluster: TestCluster, _ name: String) throws {
            let end = writer.wait(seconds: 90)
            #expect(end.status == 0, "\(end.output)")
            try cluster.remount()
            try sh("cmp '\(cluster.directory)/source' '\(cluster.mount)/\(name)'", seconds: 60)
        }
    }
}

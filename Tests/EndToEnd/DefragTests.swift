import Foundation
import Testing

extension EndToEnd {
    /// Files change their redundancy while they are being read.
    @Suite(.serialized) struct DefragTests {
        @Test("from RS to mirrors and back, killed in between, under readers", .timeLimit(.minutes(6)))
        func thereAndBack() throws {
            let cluster = try TestCluster("--block-services 6 --policy rs:4,2")
            try sh(
                """
                cd '\(cluster.mount)' && mkdir -p a/b && head -c 5000 /dev/urandom > a/small
                for number in 1 2 3 4 5 6; do head -c 9000000 /dev/urandom > a/b/f$number || exit; done
                head -c 700000 /dev/urandom > a/zeros && truncate -s 3000000 a/zeros
                find a -type f -print0 | sort -z | xargs -0 sha256sum > sums
                """)
            for policy in ["mirror:3", "rs:4,2"] {
                cluster.stop()
                cluster.arguments = "--block-services 6 --policy \(policy)"
                try cluster.start()
                let readers = BackgroundShell(
                    """
                    cd '\(cluster.mount)'
                    while [ ! -e '\(cluster.directory)/enough' ]; do
                        for file in $(find a -type f); do
                            dd if=$file of=/dev/null iflag=nocache count=0 2> /dev/null
                        done
                        sha256sum --quiet -c sums || exit 1
                    done
                    """)
                let changed = try Self.defragment(cluster, "defrag-\(policy.prefix(2))")
                #expect(changed >= 3)
                try sh("touch '\(cluster.directory)/enough'")
                let read = readers.wait(seconds: 60)
                #expect(read.status == 0, "\(read.output.suffix(2000))")
                try sh("rm '\(cluster.directory)/enough'")
                try cluster.remount()
                try sh("cd '\(cluster.mount)' && sha256sum --quiet -c sums")
                #expect(try Self.defragment(cluster, "again-\(policy.prefix(2))") == 0, "everything fits now")
            }
        }

        /// One round, killed once on the way; answers how many spans it stored anew after that.
        private static func defragment(_ cluster: TestCluster, _ name: String) throws -> Int {
            let gc = try GcInstance(cluster, name, "--no-scrub --defrag --defrag-interval 1000")
            let blocks = "find '\(cluster.directory)'/disks/*/with_crc -type f | sort | sha256sum"
            let present = try sh(blocks)
            try gc.start("--defrag-bytes-per-second 8000000")
            try waitUntil(seconds: 60, "the first span of \(name) is stored anew, or nothing was to be done") {
                gc.log.contains("defrag: round 1 took") || (try? sh(blocks)) != present
            }
            gc.kill()
            let before = gc.log.count
            // Where there was little to do the round is over already, and the next one is far off.
            if gc.log.contains("defrag: round 1 took") { return try Self.count(gc.log) }
            try gc.start("--defrag-bytes-per-second 0")
            try waitUntil(seconds: 60, "a round of \(name)") {
                gc.log.dropFirst(before).contains("defrag: round 1 took")
            }
            try gc.stop()
            return try Self.count(gc.log)
        }

        /// Spans that the round in this log stored anew.
        private static func count(_ log: String) throws -> Int {
            let line = try #require(log.split(separator: "\n").last { $0.contains("defrag: round 1 took") })
            #expect(!line.contains("failures"), "\(log.suffix(3000))")
            let count = line.split(separator: " ").first { $0.hasPrefix("defrag_rewritten_spans=") }
            return count.flatMap { Int($0.split(separator: "=")[1]) } ?? 0
        }
    }
}

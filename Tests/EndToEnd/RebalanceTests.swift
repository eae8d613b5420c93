import Foundation
import Testing

extension EndToEnd {
    /// Two empty disks join six full ones, each a small filesystem of its own.
    @Suite(.serialized) struct RebalanceTests {
        @Test("new disks take over from full ones, and nothing changes for readers", .timeLimit(.minutes(4)))
        func newDisks() throws {
            let places = NSTemporaryDirectory() + "sterna-disks-" + UUID().uuidString.prefix(8)
            defer {
                _ = shell("umount -l '\(places)'/* ; rmdir '\(places)'/* '\(places)'")
            }
            try sh(
                """
                for i in 0 1 2 3 4 5 6 7; do
                    mkdir -p '\(places)'/$i && mount -t tmpfs -o size=100m tmpfs '\(places)'/$i || exit
                done
                """)
            let cluster = try TestCluster("--block-services 6 --policy rs:2,2", disks: places)
            try sh(
                """
                cd '\(cluster.mount)' && mkdir a
                for number in $(seq 60); do head -c 3000000 /dev/urandom > a/f$number || exit; done
                sha256sum a/* > sums
                """)
            cluster.stop()
            cluster.arguments = "--block-services 8"
            try cluster.start()
            #expect(try Self.used(places, 6) < 2 && Self.used(places, 7) < 2)
            let gc = try GcInstance(cluster, "rebalance", "--no-scrub --rebalance --rebalance-bytes-per-second 0")
            try gc.start()
            try waitUntil(seconds: 60, "both have something") {
                usleep(200_000)
                return (try? Self.used(places, 6) > 10 && Self.used(places, 7) > 10) == true
            }
            try gc.stop()
            try cluster.remount()
            try sh("cd '\(cluster.mount)' && sha256sum --quiet -c sums")
            let scrub = try GcInstance(cluster, "scrub", "--scrub-bytes-per-second-per-disk 0")
            try scrub.start()
            try scrub.awaitScrub(disks: 8)
            for column in ["missing", "truncated", "corrupt"] { #expect(scrub.total(column) == 0) }
            try scrub.stop()
        }

        /// Percent of a disk.
        private static func used(_ places: String, _ disk: Int) throws -> Int {
            let text = try sh("df --output=pcent '\(places)/\(disk)' | tail -1 | tr -dc 0-9")
            return try #require(Int(text))
        }
    }
}

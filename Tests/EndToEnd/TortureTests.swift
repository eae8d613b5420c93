import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// A short fault campaign; `ops/torture` runs long ones.
    @Suite(.serialized) struct TortureTests {
        @Test(
            "power cuts of everything or of one service lose nothing that was closed, made, moved or removed",
            .timeLimit(.minutes(3)))
        func powerCuts() throws {
            let result = try Self.campaign(
                """
                --minutes 0.4 --power-cuts 30 --mounts 2 --workers 4 --largest-file 4 --all-files 100 --no-repair \
                --no-relayout --disk-losses 0 --small-disk 0 --files-damaged-per-minute 0 --megabytes-per-second 4 \
                --no-leftovers
                """, seconds: 120)
            #expect(result.status == 0, "\(result.output.suffix(4000))")
            #expect(result.output.contains("0 files lost, 0 wrong bytes, 0 findings"), "\(result.output.suffix(2000))")
            for done in ["power cuts: machine", "names: mkdir", "names: rename of a directory", "names: rmdir"] {
                #expect(result.output.contains(done), "nothing of this happened: \(done)")
            }
        }

        @Test("the campaign finds a log that is not synced", .timeLimit(.minutes(5)))
        func lyingDisk() throws {
            let result = try Self.campaign(
                """
                --minutes 0.4 --power-cuts 30 --mounts 2 --workers 4 --largest-file 1 --all-files 100 --no-repair \
                --no-relayout --disk-losses 0 --small-disk 0 --files-damaged-per-minute 0 --megabytes-per-second 4 \
                --no-leftovers --no-failing-syncs --lying-disk shard/log
                """, seconds: 240)
            #expect(result.status == 1, "\(result.output.suffix(4000))")
            #expect(result.output.contains("power cuts: "), "\(result.output.suffix(2000))")
            // Not any finding. Where the log has a hole its shards say so and do not start; where all is gone that was
            // written since a flush, files are.
            let refusesToStart =
                result.shardLog.contains("cannot start: log is corrupt")
                && (result.output.contains("FINDING after a power cut (machine): the cluster did not start")
                    || result.output.contains("FINDING shard does not serve again after a power cut")
                    || result.output.contains("FINDING the campaign broke off: a service does not come back"))
            let lost = result.output.firstMatch(of: /(\d+) files lost, \d+ wrong bytes, \d+ findings/)
            #expect(
                refusesToStart || lost.flatMap { Int($0.1) } ?? 0 > 0,
                "\(result.output.suffix(3000))\n\(result.shardLog.suffix(1000))")
        }

        @Test("processes, disks and blocks fail under load, and no file suffers", .timeLimit(.minutes(6)))
        func shortCampaign() throws {
            // Few bytes, so that it ends in time on a small machine; many faults, and a disk that is lost.
            let result = try Self.campaign(
                """
                --minutes 0.6 --power-cuts 0 --mounts 2 --workers 4 --largest-file 6 --all-files 200 \
                --small-disk 512 --megabytes-per-second 4 --files-damaged-per-minute 400 --erase-delay 20
                """, seconds: 330)
            #expect(result.status == 0, "\(result.output.suffix(4000))")
            #expect(result.output.contains("0 files lost, 0 wrong bytes, 0 findings"), "\(result.output.suffix(2000))")
            for done in ["block faults: ", "block faults: small ", "processes killed: mount", "processes killed: block"] {
                #expect(result.output.contains(done), "nothing of this happened: \(done)")
            }
        }

        /// Runs one in a directory that is gone afterwards, with all mounts that a failed campaign left.
        private static func campaign(
            _ options: String, seconds: Double
        ) throws -> (status: Int32, output: String, shardLog: String) {
            let directory = try TemporaryDirectory("torture")
            let result = shell(
                "exec '\(TestCluster.binaries)/sterna-torture' --directory '\(directory.path)' \(options)",
                seconds: seconds)
            _ = shell(
                """
                cd '\(directory.path)' && for place in mnt* disks/* power; do
                    mountpoint -q "$place" && umount -l "$place"; done; true
                """, seconds: 30)
            let log = shell("cat '\(directory.path)/log/shard.log'").output
            return (result.status, result.output, log)
        }
    }
}

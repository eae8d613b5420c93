import Foundation
import Testing

extension EndToEnd {
    /// A short fault campaign; `ops/torture` runs long ones.
    @Suite(.serialized) struct TortureTests {
        @Test("processes, disks and blocks fail under load, and no file suffers", .timeLimit(.minutes(6)))
        func shortCampaign() throws {
            let directory = NSTemporaryDirectory() + "sterna-torture-" + UUID().uuidString.prefix(8)
            // Few bytes, so that it ends in time on a small machine; many faults, and a disk that is lost.
            let result = shell(
                """
                exec '\(TestCluster.binaries)/sterna-torture' --directory '\(directory)' --minutes 0.6 --mounts 2 \
                --workers 4 --largest-file 6 --all-files 200 --small-disk 512 --megabytes-per-second 4 \
                --files-damaged-per-minute 400 --erase-delay 20
                """, seconds: 330)
            #expect(result.status == 0, "\(result.output.suffix(4000))")
            #expect(result.output.contains("0 files lost, 0 wrong bytes, 0 findings"), "\(result.output.suffix(2000))")
            for done in ["block faults: ", "block faults: small ", "processes killed: mount", "processes killed: block"] {
                #expect(result.output.contains(done), "nothing of this happened: \(done)")
            }
            if result.status != 0 { _ = shell("umount -l '\(directory)'/mnt* '\(directory)'/disks/*", seconds: 30) }
        }
    }
}

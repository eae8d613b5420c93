import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// A full disk under the coordinator or the shards of a real cluster.
    @Suite(.serialized) struct FullMetadataDiskTests {
        @Test(
            "changes wait, the registry raises an alarm, and everything goes on by itself", .timeLimit(.minutes(4)),
            arguments: [("cdc", "the coordinator", 64), ("shard", "shard 0 and those beside it", 160)])
        func changesWaitForRoom(_ service: String, _ owner: String, _ mebibytes: Int) throws {
            let filesystem = try SmallFilesystem(kibibytes: mebibytes << 10)
            let cluster = try TestCluster(links: [service: filesystem.path + "/data"])
            let (mount, registryLog) = (cluster.mount, "\(cluster.directory)/log/registry.log")
            func says(_ text: String) -> Bool {
                (try? String(contentsOfFile: registryLog, encoding: .utf8))?.contains(text) ?? false
            }
            try sh("mkdir '\(mount)/before'")
            try waitUntil(seconds: 30, "it has little room") {
                says("alarm: the disk under the log and state of \(owner) has")
            }
            try filesystem.fill(leaving: 1 << 20)
            let waiting = BackgroundShell("mkdir '\(mount)/during' && touch '\(cluster.directory)/made'")
            let full = "the disk under the log and state of \(owner) is full"
            try waitUntil(seconds: 60, "the registry knows") { says("alarm: \(full)") }
            #expect(access("\(cluster.directory)/made", F_OK) != 0)
            try sh("ls '\(mount)/before'")
            // It opens on the full disk, too.
            try cluster.killAndAwaitRestart(service)
            #expect(access("\(cluster.directory)/made", F_OK) != 0)

            try filesystem.makeRoom()
            #expect(waiting.wait(seconds: 60).status == 0)
            try sh("mkdir '\(mount)/after' && ls -d '\(mount)/during'")
            try waitUntil(seconds: 60, "the alarm is over") { says("alarm is over: \(full)") }
            cluster.stop()
            let fsck = shell("exec '\(TestCluster.binaries)/sterna' fsck '\(cluster.directory)'", seconds: 60)
            #expect(fsck.status == 0, "\(fsck.output)")
        }
    }
}

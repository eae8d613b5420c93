import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// Replicas of the metadata on a disk that fails, runs full and loses power, while the others' disks are sound.
    @Suite(.serialized) struct ReplicaDiskTests {
        private static let services = ["registry", "shard", "cdc"]

        @Test("a disk that fails under one replica of everything costs nothing", .timeLimit(.minutes(5)))
        func disksFail() throws {
            let disk = try VolatileMount()
            let links = Self.services.map { ($0, "\(disk.path)/\($0)") }
            let cluster = try TestCluster("--replicas 3", links: Dictionary(uniqueKeysWithValues: links))
            try cluster.awaitReplicas()
            let writes = try Writes(on: cluster)
            for fault in ["fail-sync /", "full /", "fail-write /"] {
                try disk.command(fault)
                try writes.goOn(for: 10)
                usleep(2_000_000)
                try writes.goOn(for: 5)
                try disk.command("heal /")
                try cluster.awaitReplicas()
            }
            // The power goes: what was not synced is gone, and everybody has it elsewhere.
            for service in Self.services { kill(try #require(cluster.pid(of: service)), SIGKILL) }
            try disk.cutPower()
            try writes.goOn(for: 10)
            try cluster.awaitReplicas()
            try writes.finish()
            try writes.check()
            cluster.stop()
            let fsck = shell("exec '\(TestCluster.binaries)/sterna' fsck '\(cluster.directory)'", seconds: 60)
            #expect(fsck.status == 0, "\(fsck.output)")
        }
    }
}

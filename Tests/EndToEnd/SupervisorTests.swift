import Foundation
import Testing

extension EndToEnd {
    /// `sterna up` itself.
    @Suite(.serialized) struct SupervisorTests {
        @Test("the children never outlive it, whatever kills it", .timeLimit(.minutes(2)))
        func childrenDieToo() throws {
            let cluster = try TestCluster()
            let services = ["registry", "shard", "cdc", "block", "gc", "mount"]
            let pids = try services.map { try #require(cluster.pid(of: $0), "\($0) has no pid file") }
            try cluster.killSupervisor()
            try waitUntil(seconds: 20, "all children are gone") { pids.allSatisfy { kill($0, 0) != 0 } }
            try waitUntil(seconds: 5, "nothing is mounted") { shell("mountpoint -q '\(cluster.mount)'").status != 0 }
            try cluster.start()
            try sh("echo x > '\(cluster.mount)/x'")
        }

        @Test("Ctrl-C stops everything cleanly and leaves nothing mounted", .timeLimit(.minutes(2)))
        func cleanStop() throws {
            let cluster = try TestCluster()
            let pids = ["registry", "shard", "cdc", "block", "gc", "mount"].compactMap { cluster.pid(of: $0) }
            try sh("echo x > '\(cluster.mount)/x'")
            cluster.stop()
            #expect(pids.count == 6 && pids.allSatisfy { kill($0, 0) != 0 })
            #expect(shell("mountpoint -q '\(cluster.mount)'").status != 0)
        }

        @Test("sterna status shows a healthy cluster, and says in one sentence that nobody answers", .timeLimit(.minutes(1)))
        func status() throws {
            let cluster = try TestCluster("--no-mount --block-services 3")
            let registry = try sh("cat '\(cluster.directory)/run/registry.address'")
            let healthy = try sh("'\(TestCluster.binaries)/sterna' status --registry \(registry)")
            #expect(healthy.contains("256 of 256") && healthy.contains("3 of 3 in use"), "\(healthy)")
            #expect(healthy.contains("coordinator   127.0.0.1:"), "\(healthy)")
            cluster.stop()
            let gone = shell("'\(TestCluster.binaries)/sterna' status --registry \(registry)", seconds: 30)
            #expect(gone.status != 0 && gone.output.contains("did not answer"), "\(gone.output)")
        }

        @Test("a policy that the cluster cannot place is refused with the numbers", .timeLimit(.minutes(1)))
        func impossiblePolicy() throws {
            let result = shell(
                "'\(TestCluster.binaries)/sterna' up /tmp/sterna-none-$$ --block-services 3 --policy rs:4,2",
                seconds: 20)
            #expect(result.status != 0)
            #expect(result.output.contains("6 blocks") && result.output.contains("only 3"), "\(result.output)")
        }

        @Test("a single disk with one copy, and mirroring over three", .timeLimit(.minutes(2)))
        func smallClusters() throws {
            for arguments in ["--block-services 1", "--block-services 3", "--block-services 2 --policy mirror:2"] {
                let cluster = try TestCluster(arguments)
                try sh(
                    "head -c 3000000 /dev/urandom > '\(cluster.directory)/s'; cp '\(cluster.directory)/s' '\(cluster.mount)/f'"
                )
                try cluster.remount()
                try sh("cmp '\(cluster.directory)/s' '\(cluster.mount)/f'")
            }
        }
    }
}

import Foundation
import Store
import Testing

extension EndToEnd {
    /// `sterna fsck` on a cluster that runs, that was stopped, that was killed, and that was damaged.
    @Suite(.serialized) struct FsckTests {
        private func fsck(_ arguments: String) -> ShellResult {
            shell("exec '\(TestCluster.binaries)/sterna' fsck \(arguments)", seconds: 120)
        }

        private func work(_ cluster: TestCluster) throws {
            try sh(
                """
                cd '\(cluster.mount)' && mkdir -p a/b/c d && for i in $(seq 40); do echo $i > a/f$i; done
                head -c 2000000 /dev/urandom > d/big; cp -r a e; rm -r e/b; mv a/f1 d/g1; mv a/b d/bb; rm d/g1
                for i in $(seq 2 9); do echo more >> a/f$i; done; echo more >> d/big
                """)
        }

        @Test("a running cluster under load is sound, and so is what a stop or kill -9 leaves", .timeLimit(.minutes(5)))
        func soundCluster() throws {
            let cluster = try TestCluster()
            try work(cluster)
            let refused = fsck("'\(cluster.directory)'")
            #expect(refused.status == 2 && refused.output.contains("is running"), "\(refused.output)")

            let registry = try sh("cat '\(cluster.directory)/run/registry.address'")
            let load = BackgroundShell(
                """
                cd '\(cluster.mount)' && for i in $(seq 400); do mkdir -p l/$i/x && echo $i > l/$i/f && mv l/$i/f l/$i/x/f
                rm -r l/$i; done
                """)
            let live = fsck("--registry \(registry) --key-file '\(cluster.directory)/key' --rate 2000 --blocks")
            #expect(live.status == 0, "\(live.output)")
            _ = load.wait(seconds: 120)

            cluster.stop()
            let stopped = fsck("'\(cluster.directory)' --blocks --json")
            #expect(stopped.status == 0, "\(stopped.output)")
            #expect(stopped.output.contains("\"summary\""))

            try cluster.start()
            let services = ["registry", "shard", "cdc", "block", "gc", "mount"].compactMap { cluster.pid(of: $0) }
            let writer = BackgroundShell("cd '\(cluster.mount)'; for i in $(seq 999); do mkdir k$i; mv k$i d/; done")
            try waitUntil(seconds: 60, "it is in the middle of its work") {
                shell("[ -e '\(cluster.mount)/d/k20' ]").status == 0
            }
            try cluster.killSupervisor()
            services.forEach { kill($0, SIGKILL) }
            _ = shell("umount -l '\(cluster.mount)'")
            _ = writer.wait(seconds: 60)
            let killed = fsck("'\(cluster.directory)' --blocks")
            #expect(killed.status == 0, "\(killed.output)")
        }

        @Test("a record that was lost and a block that is gone are found", .timeLimit(.minutes(2)))
        func damagedCluster() throws {
            let cluster = try TestCluster()
            try work(cluster)
            cluster.stop()
            let disks = "'\(cluster.directory)'/disks/*"
            try sh("rm \"$(find \(disks)/with_crc \(disks)/small_blocks/*.segment -type f -size +0 | head -1)\"")
            let block = fsck("'\(cluster.directory)' --blocks")
            #expect(block.status == 1 && block.output.contains("B: block"), "\(block.output)")
            #expect(fsck("'\(cluster.directory)'").status == 0)

            do {
                let state = cluster.directory + "/shard/state"
                let store = try RocksStore(directory: state, options: RocksOptions(writeAheadLog: false))
                // The first directory of shard 1: shard, collection 4, id.
                let directories = store.iterator(from: [1, 4], upTo: [1, 5])
                directories.seekToFirst()
                try #require(directories.isValid)
                var batch = WriteBatch()
                batch.delete(directories.key)
                try store.write(batch, durable: false)
                try store.close()
            }
            let damaged = fsck("'\(cluster.directory)'")
            #expect(damaged.status == 1 && damaged.output.contains("X2: directory"), "\(damaged.output)")
            #expect(fsck("/nonexistent").status == 2)
        }
    }
}

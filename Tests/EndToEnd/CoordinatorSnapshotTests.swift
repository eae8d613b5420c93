import Client
import EventLoop
import Foundation
import Protocol
import Testing

extension EndToEnd {
    /// CDC_SNAPSHOT: what it leaves is the data directory of a coordinator that goes on.
    @Suite(.serialized) struct CoordinatorSnapshotTests {
        @Test("a coordinator goes on from its snapshot", .timeLimit(.minutes(2)))
        func coordinatorFromSnapshot() throws {
            let cluster = try TestCluster()
            try sh("cd '\(cluster.mount)' && mkdir -p a/b c && echo 1 > a/b/f")
            // The second time it is there already.
            for _ in 0..<2 { try takeSnapshot(17, of: cluster).get() }
            let data = "\(cluster.directory)/cdc"
            try Data().write(to: URL(fileURLWithPath: data + "/snapshot-18"))
            #expect(throws: ClientError.self) { try takeSnapshot(18, of: cluster).get() }

            cluster.stop()
            try sh("mv '\(data)' '\(data).old' && mv '\(data).old/snapshot-17' '\(data)'")
            try cluster.start()
            try sh("cd '\(cluster.mount)' && mv a/b c/b && mkdir c/b/d a/e && mv c/b/f a/e/f && rmdir c/b/d && cat a/e/f")
            cluster.stop()
            let fsck = shell("exec '\(TestCluster.binaries)/sterna' fsck '\(cluster.directory)'", seconds: 60)
            #expect(fsck.status == 0, "\(fsck.output)")
        }

        /// As an operator's tool asks for it: over the network.
        private func takeSnapshot(_ number: UInt64, of cluster: TestCluster) throws -> Result<Void, any Error> {
            let registry = try sh("cat '\(cluster.directory)/run/registry.address'")
            let address = try SocketAddress.resolve(registry.trimmingCharacters(in: .whitespacesAndNewlines))
            let loop = try EventLoop()
            let key = try sh("cat '\(cluster.directory)/key'").trimmingCharacters(in: .whitespacesAndNewlines)
            var options = ClientOptions()
            options.clusterKey = ClusterKey(hexadecimal: key)
            try #require(options.clusterKey != nil)
            var outcome: Result<Void, any Error>?
            loop.task { [options] in
                let client = try Client(loop: loop, registries: [address], options: options)
                try await client.start()
                _ = try await client.callCDC(CdcSnapshotRequest(snapshotId: number))
                await client.close()
            } then: { result in
                outcome = result
                loop.stop()
            }
            loop.run()
            return try #require(outcome)
        }
    }
}

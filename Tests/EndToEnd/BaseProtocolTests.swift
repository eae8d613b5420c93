import Testing

extension EndToEnd {
    /// Clusters whose shards know the base protocol only, and drop everything else without an answer.
    @Suite(.serialized) struct BaseProtocolTests {
        /// That the coordinator needs no telling where the registry knows of no extensions, and that it can be told.
        @Test(
            "directories are made, moved and removed", .timeLimit(.minutes(3)),
            arguments: [["registry"], ["cdc", "mount", "gc"]])
        func directories(_ told: [String]) throws {
            let options = (["shard"] + told).map { "--with \($0):--base-protocol-only" }.joined(separator: " ")
            let cluster = try TestCluster(options)
            try sh(
                """
                cd '\(cluster.mount)' && mkdir -p a/b c && echo 1 > a/b/f && mv a/b c/b && mv c/b/f a/f \
                && ! mkdir a 2>/dev/null && rmdir c/b && cat a/f
                """, seconds: 50)
            try cluster.killAndAwaitRestart("cdc")
            try sh("cd '\(cluster.mount)' && mkdir a/new && rmdir a/new c", seconds: 50)
            cluster.stop()
            let fsck = shell("exec '\(TestCluster.binaries)/sterna' fsck '\(cluster.directory)'", seconds: 60)
            #expect(fsck.status == 0, "\(fsck.output)")
        }
    }
}

import Testing

extension EndToEnd {
    /// What two mounts of one cluster must agree about.
    @Suite(.serialized) struct TwoMountTests {
        @Test(
            "of two mkdirs of one name one succeeds (F-17); a rename replaces an empty directory (F-18)",
            .timeLimit(.minutes(2)))
        func directories() throws {
            let cluster = try TestCluster()
            let second = cluster.directory + "/second"
            try sh("mkdir '\(second)'")
            let registry = try sh("cat '\(cluster.directory)/run/registry.address'")
            let other = BackgroundShell(
                "exec '\(TestCluster.binaries)/sterna-mount' --registry \(registry) '\(second)'")
            defer {
                other.signal(15)
                _ = other.wait(seconds: 20)
            }
            try waitUntil(seconds: 20, "the second mount is there") {
                shell("mountpoint -q '\(second)'").status == 0
            }
            try sh("python3 '\(program("race-mkdir.py"))' '\(cluster.mount)' '\(second)'", seconds: 60)
            try sh("python3 '\(program("replace-directory.py"))' '\(cluster.mount)' '\(second)'", seconds: 30)
        }
    }
}

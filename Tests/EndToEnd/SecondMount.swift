import Testing

/// Another mount of a cluster, as another host has one.
final class SecondMount {
    let path: String
    let log: String
    private let process: BackgroundShell
    private var isOver = false

    /// - Parameter wrapper: a command that runs it in some other way.
    init(of cluster: TestCluster, _ options: String = "", wrapper: String = "") throws {
        path = cluster.directory + "/second"
        log = cluster.directory + "/second.log"
        try sh("mkdir -p '\(path)'")
        let registry = try sh("cat '\(cluster.directory)/run/registry.address'")
        process = BackgroundShell(
            "exec \(wrapper) '\(TestCluster.binaries)/sterna-mount' --registry \(registry) --log-file '\(log)'"
                + " \(options) '\(path)'")
        try waitUntil(seconds: 20, "the second mount is there") { [path] in
            shell("mountpoint -q '\(path)'").status == 0
        }
    }

    deinit {
        if !isOver { _ = end() }
    }

    /// SIGTERM, and waits until it is gone.
    func end(seconds: Double = 30) -> ShellResult {
        isOver = true
        process.signal(15)
        return process.wait(seconds: seconds)
    }
}

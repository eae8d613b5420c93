import Foundation
import Glibc
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
        // A dead mount may be there, whose log goes on.
        let starts = try sh("mkdir -p '\(path)' 2> /dev/null; grep -cs 'sterna-mount ready' '\(log)' || true")
        let registry = try sh("cat '\(cluster.directory)/run/registry.address'")
        process = BackgroundShell(
            "echo $$ > '\(cluster.directory)/second.pid'; "
                + "exec \(wrapper) '\(TestCluster.binaries)/sterna-mount' --registry \(registry) --log-file '\(log)'"
                + " \(options) '\(path)'")
        try waitUntil(seconds: 20, "the second mount is there") { [log] in
            shell("[ $(grep -cs 'sterna-mount ready' '\(log)') -gt \(starts.isEmpty ? "0" : starts) ]").status == 0
        }
    }

    deinit {
        if !isOver { _ = end() }
    }

    /// SIGTERM, and waits until it is gone.
    func end(seconds: Double = 30) -> ShellResult {
        process.signal(SIGTERM)
        return wait(seconds: seconds)
    }

    /// SIGKILL: a dead mount stays at its place until that is unmounted.
    func kill() {
        guard !isOver else { return }
        process.signal(SIGKILL)
        _ = wait(seconds: 10)
    }

    /// Waits until it has ended by itself.
    func wait(seconds: Double) -> ShellResult {
        isOver = true
        return process.wait(seconds: seconds)
    }

    /// What its counters say, by name. Something must have been written.
    func counters() throws -> [String: UInt64] {
        // The last of them by name.
        let before = try sh("grep -c ' mount_requests_write_total ' '\(log)' || true")
        process.signal(SIGUSR1)
        try waitUntil(seconds: 20, "it has told its counters") { [log] in
            shell("[ $(grep -c ' mount_requests_write_total ' '\(log)') -gt \(before) ]").status == 0
        }
        var values: [String: UInt64] = [:]
        for line in try sh("cat '\(log)'").split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 2, words[words.count - 2].hasSuffix("_total") else { continue }
            values[String(words[words.count - 2])] = UInt64(words[words.count - 1])
        }
        return values
    }
}

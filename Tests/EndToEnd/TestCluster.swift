import Foundation
import Testing

/// A real cluster of real processes, started with `sterna up` in a temporary directory.
final class TestCluster {
    let directory: String
    var mount: String { directory + "/mnt" }
    /// Of `sterna up`; a change holds from the next start on.
    var arguments: String
    private let network: String?
    private var supervisor: BackgroundShell?

    /// Where the built programs lie: beside the test bundle that is running.
    static let binaries: String = {
        let executable =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        let bundles = CommandLine.arguments.filter { $0.hasSuffix(".xctest") } + [executable]
        let candidates = bundles.map { ($0 as NSString).deletingLastPathComponent }
        let found = candidates.first { FileManager.default.isExecutableFile(atPath: $0 + "/sterna") }
        return found ?? candidates[0]
    }()

    /// Starts a new cluster and waits until it is mounted.
    /// - Parameters:
    ///   - disks: a directory that holds the disks' directories; nil: they are made below the cluster's.
    ///   - archive: a tar file of what is in its directory already.
    ///   - links: names below the cluster's directory, and where they lead; what is missing there is made.
    ///   - network: shell commands that shape a network of the cluster's own, which needs root; nil: the machine's.
    init(
        _ arguments: String = "", archive: String? = nil, disks: String? = nil, links: [String: String] = [:],
        network: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        self.network = network
        directory = NSTemporaryDirectory() + "sterna-e2e-" + UUID().uuidString.prefix(8)
        self.arguments = arguments
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        if let archive { try sh("tar -xzf '\(archive)' -C '\(directory)' --no-same-owner") }
        if let disks { try sh("ln -s '\(disks)' '\(directory)/disks'") }
        for (name, place) in links { try sh("mkdir -p '\(place)' && ln -s '\(place)' '\(directory)/\(name)'") }
        try start(sourceLocation: sourceLocation)
    }

    deinit {
        stop()
        _ = shell("umount -l '\(mount)' 2>/dev/null; rm -rf --one-file-system '\(directory)'", seconds: 60)
    }

    /// Starts the cluster again on the data that is there.
    func start(sourceLocation: SourceLocation = #_sourceLocation) throws {
        unlink(directory + "/ready")
        let place = network.map { "unshare --net sh -c '\($0) && exec \"$0\" \"$@\"' " } ?? ""
        supervisor = BackgroundShell(
            "exec \(place)'\(Self.binaries)/sterna' up '\(directory)' --ready-file '\(directory)/ready' \(arguments)"
                + " >> '\(directory)/up.log' 2>&1")
        try waitUntil(seconds: 60, "the cluster is ready", sourceLocation: sourceLocation) {
            FileManager.default.fileExists(atPath: directory + "/ready")
        }
    }

    /// Ctrl-C, and waits until everything is gone.
    func stop() {
        guard let supervisor else { return }
        self.supervisor = nil
        supervisor.signal(SIGINT)
        _ = supervisor.wait(seconds: 60)
    }

    /// Kills the supervisor itself without any warning.
    func killSupervisor() throws {
        let supervisor = try #require(supervisor)
        self.supervisor = nil
        supervisor.signal(SIGKILL)
        _ = supervisor.wait(seconds: 10)
    }

    /// Process id of a running service: registry, shard, cdc, block, gc or mount.
    func pid(of service: String) -> pid_t? {
        let text = try? String(contentsOfFile: "\(directory)/run/\(service).pid", encoding: .utf8)
        return text.flatMap { pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    /// `kill -9`, then waits until the supervisor has started the service anew and it is ready.
    func killAndAwaitRestart(_ service: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let old = try #require(pid(of: service), sourceLocation: sourceLocation)
        kill(old, SIGKILL)
        try waitUntil(seconds: 30, "\(service) runs again", sourceLocation: sourceLocation) {
            let new = pid(of: service)
            return new != nil && new != old
        }
    }

    /// Unmounts and mounts again, so that nothing comes from a cache.
    func remount() throws {
        let old = try #require(pid(of: "mount"))
        kill(old, SIGTERM)
        try waitUntil(seconds: 30, "the mount is back") {
            let new = pid(of: "mount")
            return new != nil && new != old
        }
    }
}

/// Waits for a condition; fails the test when it has not come true in time.
func waitUntil(
    seconds: Double, _ what: String, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () -> Bool
) throws {
    let deadline = Date().addingTimeInterval(seconds)
    while !condition() {
        try #require(Date() < deadline, "not within \(seconds) s: \(what)", sourceLocation: sourceLocation)
        usleep(10_000)
    }
}

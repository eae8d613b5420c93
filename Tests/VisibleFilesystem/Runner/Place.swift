import Foundation
import VisibleFilesystem

/// Where scripts run.
protocol Place {
    /// A directory as a mount shows it.
    func path(mount: Int) -> String
    /// Waits until nothing is under way that the end of something has begun.
    func settle() throws
    func crash(mount: Int) throws
    /// Waits until every mount believes what is true.
    func handOver()
    /// A script is over: what lies in its directory may go.
    func discard(_ directory: String) throws
    /// Lets go of processes that wait for ever.
    func recover() throws
}

/// A directory of a local disk: what proves the model.
struct LocalDirectory: Place {
    let directory: String

    func path(mount: Int) -> String { directory }
    func settle() {}
    func crash(mount: Int) throws { throw RunFailure("a local disk is not killed") }
    func handOver() {}
    func recover() {}

    /// A disk is soon full.
    func discard(_ name: String) throws { try FileManager.default.removeItem(atPath: directory + "/" + name) }
}

/// Two mounts of a cluster.
final class ClusterMounts: Place {
    private let mounts: [ClusterMount]
    private static let nameCacheSeconds = 0.2

    /// - Parameters:
    ///   - directory: of a cluster that `sterna up` runs; the mounts are made in it.
    ///   - options: further ones of both.
    init(cluster directory: String, programs: String, options: [String]) throws {
        let address = try String(contentsOfFile: directory + "/run/registry.address", encoding: .utf8)
        let registry = address.trimmingCharacters(in: .whitespacesAndNewlines)
        mounts = try (0..<2).map { index in
            try ClusterMount(
                "\(programs)/sterna-mount", at: "\(directory)/programs-\(index)",
                options: [
                    "--registry", registry, "--log-file", "\(directory)/log/programs-\(index).log",
                    "--name-cache-seconds", "\(Self.nameCacheSeconds)",
                ] + options)
        }
    }

    func path(mount: Int) -> String { mounts[mount].path }

    func settle() throws {
        for mount in mounts { try mount.settle() }
    }

    func crash(mount: Int) throws { try mounts[mount].crash() }

    func handOver() { usleep(UInt32(1_000_000 * Self.nameCacheSeconds) + 20_000) }

    /// It stays, for whoever wants to look into what was found.
    func discard(_ directory: String) {}

    func recover() throws {
        for mount in mounts { try mount.crash() }
    }
}

import ArgumentParser
import Client
import Daemon
import EventLoop
import Protocol

/// `sterna policy`: what a directory says of how its files are kept.
struct Policy: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show or choose which versions of files in a directory leave a snapshot.",
        discussion: """
            A version that the next one only adds to (>>, a log that is synced every second) leaves no snapshot, as all \
            of it is in the next one; --continued keep leaves one each time, so that it can be seen what the file was \
            like then. Mounts notice within a minute.
            """)

    enum Continued: String, ExpressibleByArgument, CaseIterable {
        case keep, drop, inherit
    }

    @Argument(help: "The directory's path in the cluster, such as /logs.")
    var directory: String

    @Option(help: "Addresses of the registry: HOST:PORT, several separated by commas.")
    var registry: EndpointList

    @OptionGroup var key: ClientKeyOptions

    @Option(help: "What becomes of versions that are only added to: keep, drop, or inherit from the directory above.")
    var continued: Continued?

    func run() throws {
        let key = try key.load()
        let policy = try ClusterClient(registry, key: key).run { [self] client in
            let inode = try await client.resolve(path: directory)
            guard inode.isDirectory else { throw ValidationError("\(directory) is no directory") }
            switch continued {
            case .keep: try await client.setPolicy(ContinuationPolicy(leavesSnapshot: true), of: inode)
            case .drop: try await client.setPolicy(ContinuationPolicy(leavesSnapshot: false), of: inode)
            case .inherit: try await client.clearPolicy(.continuation, of: inode)
            case nil: break
            }
            return try await client.continuationPolicy(of: inode)
        }
        print("continued    \(policy.leavesSnapshot ? Continued.keep : .drop)")
    }
}

import ArgumentParser
import EventLoop
import Logging
import Protocol

/// Which keys a server works with.
public struct KeyOptions: ParsableArguments {
    @Option(help: "File with the cluster's key, for its owner only (mode 600); `sterna up` or `sterna key` makes it.")
    public var keyFile: String?

    @Flag(
        help: """
            Work with the keys that TernFS publishes, for a cluster with servers of TernFS: everybody who reaches it can \
            command it. Beside --key-file: as well, while a cluster moves over.
            """)
    public var wellKnownKey = false

    public init() {}

    public func validate() throws {
        guard keyFile != nil || wellKnownKey else {
            throw ValidationError("give --key-file, or --well-known-key for a cluster with servers of TernFS")
        }
    }

    /// Reads the key.
    public func load() throws -> KeyRing {
        KeyRing(cluster: try keyFile.map { try ClusterKeyFile($0).load() }, takesWellKnown: wellKnownKey)
    }
}

/// The key for programs that ask servers, if their cluster has one.
public struct ClientKeyOptions: ParsableArguments, Sendable {
    @Option(help: "File with the cluster's key, for what only its own programs may ask for; not for servers of TernFS.")
    public var keyFile: String?

    public init() {}

    public func load() throws -> ClusterKey? { try keyFile.map { try ClusterKeyFile($0).load() } }
}

extension KeyRing {
    /// Says at the start of a server how open it is.
    public func warnIfOpen(_ logger: Logger) {
        guard takesWellKnown else { return }
        logger.warning("--well-known-key: everybody who reaches this service can command it, as in TernFS")
    }
}

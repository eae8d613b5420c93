import ArgumentParser
import EventLoop
import Logging

/// How many clients a service takes, and from whom.
public struct ConnectionOptions: ParsableArguments {
    @Option(help: "Connections at the same time. For more, those that do nothing are closed, the oldest first.")
    public var maxConnections = 4000

    @Option(help: "Connections from one address; default: half of --max-connections, but not less than 64.")
    public var maxConnectionsPerPeer: Int?

    @Option(help: "Seconds for the first request of a connection, and for the rest of one that has begun to come in.")
    public var requestTimeout: UInt32 = 10

    public init() {}

    public func validate() throws {
        guard maxConnections > 0, maxConnectionsPerPeer ?? 1 > 0, requestTimeout > 0 else {
            throw ValidationError(
                "--max-connections, --max-connections-per-peer and --request-timeout must be at least 1")
        }
    }

    /// The limits, lowered with a warning where the process may not have so many descriptors.
    /// - Parameters:
    ///   - descriptorsEach: what a connection may need, with what its request opens.
    ///   - others: what the service may need beside that and a log, a store and the registry.
    public func limits(descriptorsEach: Int, others: Int = 0, _ logger: Logger) -> ConnectionLimits {
        let wanted = ConnectionLimits(
            total: maxConnections, perPeer: maxConnectionsPerPeer,
            requestNanoseconds: UInt64(requestTimeout) * 1_000_000_000)
        let fitting = wanted.fitting(descriptorsEach: descriptorsEach, reserve: Self.otherDescriptors + others)
        if fitting.total < wanted.total {
            logger.warning("\(fitting.total) connections at most: the limit of open files leaves no more (ulimit -n)")
        }
        return fitting
    }

    /// For logs, the store and the registry.
    private static let otherDescriptors = 200
}

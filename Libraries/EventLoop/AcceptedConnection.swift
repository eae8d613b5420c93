/// A client's connection, as whoever has to choose one that gives way sees it.
public protocol AcceptedConnection: AnyObject {
    var peer: SocketAddress { get }
    var standing: ConnectionStanding { get }
    /// Whether it has stood still for longer than anyone may.
    func hasExpired(at now: UInt64) -> Bool
    /// Ends it at once. It takes itself out of its `AcceptedConnections`.
    func close()
}

/// What a connection is doing. Times are those of the loop's monotonic clock.
public enum ConnectionStanding: Sendable {
    /// The service works for it.
    case busy
    /// It has never sent a whole request, or is being taken leave of.
    case silent(since: UInt64)
    /// The rest of a request, or room for an answer, is missing.
    case stalled(since: UInt64)
    /// Between two requests.
    case idle(since: UInt64)
}

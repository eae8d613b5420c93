/// Who waits for the answer to a client's request: what makes a repeated datagram recognisable (spec D.7).
public struct RequestOrigin: Hashable, Sendable {
    /// Where the answer goes. The service decides what the bits mean, but for the lowest 16: what differs only there is
    /// one host. The core compares them.
    public var source: UInt64
    /// The request id that the client chose and repeats when it retries. With 0 nobody waits for the answer and nothing
    /// is a repetition (spec 0.4).
    public var requestID: UInt64

    /// Whether somebody waits for the answer.
    var isAwaited: Bool { requestID != 0 }

    /// Whose clients share a limit.
    var host: UInt64 { source >> 16 }

    public init(source: UInt64, requestID: UInt64) {
        self.source = source
        self.requestID = requestID
    }
}

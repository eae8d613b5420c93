import EventLoop

/// Times and sizes of the connections between processes.
public struct PeerSettings: Sendable {
    /// Bytes that wait for one peer; what does not fit is dropped.
    public var waitingBytes = 32 << 20
    /// The same of urgent frames, which do not wait for the others.
    public var urgentBytes = 256 << 10
    /// The same of what is passed on for clients.
    public var relayedBytes = 16 << 20
    /// How long a connection may take to be made.
    public var connectNanoseconds: UInt64 = 2_000_000_000
    /// How long a handshake may take, on either side.
    public var handshakeNanoseconds: UInt64 = 5_000_000_000
    /// After this, doubled each time up to the other, a peer that could not be reached is tried again.
    public var backoffNanoseconds: ClosedRange<UInt64> = 50_000_000...1_000_000_000
    /// A peer that has acknowledged nothing for so long is gone.
    public var silenceMilliseconds: Int32 = 4_000
    /// Accepted connections, of peers and of strangers.
    public var connections = 64

    public init() {}

    func waitingBytes(of priority: FramePriority) -> Int {
        switch priority {
        case .urgent: urgentBytes
        case .ordinary: waitingBytes
        case .relayed: relayedBytes
        }
    }

    /// A multiple of what is needed, so that strangers who say nothing keep nobody out.
    var limits: ConnectionLimits { ConnectionLimits(total: connections, requestNanoseconds: handshakeNanoseconds) }
}

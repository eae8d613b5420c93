import Consensus

/// What a lane needs of the loop that its groups are on.
public struct LaneLoop: Sendable {
    /// The time, read anew at each call.
    public let now: @Sendable () -> BootInstant
    /// Nanoseconds since the epoch, read anew at each call, whatever anybody sets the clock to.
    public let wall: @Sendable () -> UInt64
    /// For the time-outs of a replica: another number each time.
    public let seed: @Sendable () -> UInt64
    /// Runs what it is given on the loop, in order, and may be called from any thread.
    public let resume: @Sendable (@escaping @Sendable () -> Void) -> Void

    public init(
        now: @escaping @Sendable () -> BootInstant, wall: @escaping @Sendable () -> UInt64,
        seed: @escaping @Sendable () -> UInt64,
        resume: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) {
        self.now = now
        self.wall = wall
        self.seed = seed
        self.resume = resume
    }
}

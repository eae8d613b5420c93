/// Times and sizes. All replicas of a group must have the same promise and drift.
public struct Settings: Sendable {
    /// For so long, by its own clock, a follower that vouched for a leader votes for nobody else.
    public var promise = BootSpan.milliseconds(500)
    /// By how much one clock may run faster than another; a lease is that much shorter than a promise.
    public var driftPerMille: UInt64 = 10
    /// A campaign starts at a random time within this range after the last promise ran out.
    public var campaignDelay = BootSpan.milliseconds(50)...BootSpan.milliseconds(250)
    /// By how much a replica that another is preferred to waits longer.
    public var deference = BootSpan.milliseconds(100)
    /// After so long without an answer something is sent again.
    public var resend = BootSpan.milliseconds(100)
    /// For so long a leader leads before it hands over to one that is preferred.
    public var settling = BootSpan.milliseconds(2000)
    /// Bytes of entries in one message; one entry is always let through.
    public var messageBytes = 1 << 20
    /// Bytes of entries on their way to one peer.
    public var windowBytes = 4 << 20
    /// Bytes of entries proposed and not yet committed; one is always let through.
    public var proposedBytes = 4 << 20
    /// The same in entries.
    public var proposedEntries = 2048
    /// Bytes of one command.
    public var commandBytes = 1 << 20
    /// Entries that a learner may lack and still be promoted.
    public var promotionLag = 64
    /// Reads that wait for a confirmation.
    public var waitingReads = 1024

    public init() {}

    /// For so long, by its own clock, a leader may count on promises, from before it asked for them.
    var lease: BootSpan { promise.shortened(perMille: driftPerMille) }
}

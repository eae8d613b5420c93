/// How scrubbing goes about its work.
public struct ScrubSettings: Hashable, Sendable {
    /// Bytes read from each disk per second, at most; 0: as many as it gives.
    public var bytesPerSecondPerDisk: UInt64
    /// A disk that was checked completely is left alone until so long after that check began.
    public var intervalNanoseconds: UInt64
    /// Disks that are read at the same time, at least 1.
    public var disksAtOnce: Int
    /// Checks under way on one disk, at least 1.
    public var checksAtOnce = 4
    /// Files of one disk whose blocks are looked up at the same time, at least 1.
    public var filesAtOnce = 8
    /// How long a disk is let be that did not answer.
    public var unreachablePauseNanoseconds: UInt64 = 60_000_000_000
    /// How long a disk is let be that seems bad as a whole.
    public var deviceErrorPauseNanoseconds: UInt64 = 3_600_000_000_000
    /// So many checks in a row that the disk answers with a device error end the pass.
    public var deviceErrorLimit = 3
    /// So many blocks in a row that nobody answers for end the pass; fewer are noted and passed over.
    public var unansweredLimit = 8
    /// A check without a usable answer is repeated so often, with pauses that double.
    public var retries = 4
    public var retryNanoseconds: UInt64 = 500_000_000
    /// After so long a check is repeated no more, but once in any case.
    public var retryLimitNanoseconds: UInt64 = 15_000_000_000
    /// This instance's share of the disks: those whose number modulo `instances` is `instance`.
    public var instances: UInt64 = 1
    public var instance: UInt64 = 0

    public init(bytesPerSecondPerDisk: UInt64, intervalNanoseconds: UInt64, disksAtOnce: Int) {
        self.bytesPerSecondPerDisk = bytesPerSecondPerDisk
        self.intervalNanoseconds = intervalNanoseconds
        self.disksAtOnce = disksAtOnce
    }
}

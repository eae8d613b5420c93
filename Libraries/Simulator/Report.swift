/// What became of one run.
public struct Report: Sendable {
    public let seed: UInt64
    /// Everything found wrong; empty when all is well.
    public internal(set) var findings: [String] = []
    /// The last events, oldest first; only of runs that were to be traced.
    public internal(set) var trace: [String] = []
    public internal(set) var faults = FaultCounts()
    /// Virtual time that passed while there was trouble, and in all, nanoseconds.
    public internal(set) var troubledNanoseconds: UInt64 = 0
    public internal(set) var simulatedNanoseconds: UInt64 = 0
    public internal(set) var events: UInt64 = 0
    /// Users' operations that ended well, and that were refused or got no answer.
    public internal(set) var succeeded = 0
    public internal(set) var refused = 0
    /// Equal for two runs only if they were the same.
    public internal(set) var digest: UInt64 = 0

    init(seed: UInt64) { self.seed = seed }
}

import Store
import ReplicatedLog

/// A disk with a log and a state store that loses what was not synced when its machine crashes, gets slow, and fills
/// up.
final class SimulatedDisk {
    let log = MemoryLogStore()
    /// Without a write-ahead log of its own, as in the services: flushed now and then, the log has the rest.
    let state = MemoryStore(writeAheadLog: false)
    /// How long a sync takes, nanoseconds.
    var syncTime: ClosedRange<UInt64> = SimulatedDisk.healthySyncTime
    var isFull = false {
        didSet { log.writeFault = isFull ? .noSpace(Self.shortage) : nil }
    }

    private static let shortage = "the simulated disk is full"
    static let healthySyncTime: ClosedRange<UInt64> = 100_000...2_000_000

    /// Whether what was written waits for its sync.
    var isBusy: Bool { log.unsyncedBatchCount > 0 }

    /// Makes the state durable, for which there has to be room.
    func flush() throws(StoreError) {
        guard !isFull else { throw .noSpace(Self.shortage) }
        try state.flush()
    }

    /// Loses an arbitrary end of what was not synced.
    /// - Returns: how many writes were lost.
    func crash(_ random: inout SeededRandom) -> Int {
        let logged = log.unsyncedBatchCount
        let keptLog = Int.random(in: 0...logged, using: &random)
        log.crash(surviving: keptLog)
        // The state never holds what the log does not: entries are applied when they are durable.
        let stored = state.unsyncedBatchCount
        let keptState = Int.random(in: 0...stored, using: &random)
        state.crash(surviving: keptState)
        return logged - keptLog + stored - keptState
    }
}

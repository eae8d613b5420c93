import ReplicatedLog
import Store

/// A disk with the files of a log and a state store that loses what was not synced when its machine crashes, gets slow,
/// fills up, refuses syncs and rots.
final class SimulatedDisk {
    /// The directory of the log.
    let directory = FaultyDisk()
    /// Without a write-ahead log of its own, as in the services: flushed now and then, the log has the rest.
    let state = MemoryStore(writeAheadLog: false)
    /// How long a sync takes, nanoseconds.
    var syncTime: ClosedRange<UInt64> = SimulatedDisk.healthySyncTime
    var isFull = false {
        didSet { directory.capacity = isFull ? directory.usedBytes : .max }
    }
    private var notedRefusals = 0
    /// Of more than one rotten place nothing can be promised: they could hide both copies of a record.
    private var hasRotted = false

    static let healthySyncTime: ClosedRange<UInt64> = 100_000...2_000_000

    /// Whether what was written waits for its sync.
    var isBusy: Bool { directory.isDirty }

    /// Whether it has refused a sync that it was not asked about yet.
    func hasRefused() -> Bool {
        defer { notedRefusals = directory.refusals }
        return directory.refusals > notedRefusals
    }

    /// Its process is gone, and in most cases power was as well.
    /// - Returns: whether half of a write is there.
    func crash(_ random: inout SeededRandom) -> Bool {
        directory.revive()
        let isTorn = random.perMille(700) && directory.cutPower(&random)
        // The state never holds what the log does not: entries are applied when they are durable.
        state.crash(surviving: Int.random(in: 0...state.unsyncedBatchCount, using: &random))
        return isTorn
    }

    /// Another disk is in its place, with nothing on it. Nobody uses the old one.
    func wipe() throws {
        directory.wipe()
        var batch = WriteBatch()
        batch.deleteRange(from: [], upTo: [0xff, 0xff])
        try state.write(batch, durable: false)
        try state.flush()
        hasRotted = false
    }

    /// Changes a byte of what was made durable, once.
    /// - Returns: whether there was one to change.
    func rot(_ random: inout SeededRandom) -> Bool {
        guard !hasRotted else { return false }
        var places: [(name: String, offset: Int)] = []
        for (name, content) in directory.files.sorted(by: { $0.key < $1.key }) where name.hasPrefix("segment-") {
            for sector in 0..<content.medium.count / FaultyDisk.sector where !content.dirty.contains(sector) {
                let offset = sector * FaultyDisk.sector
                if content.medium[offset..<offset + 64].contains(where: { $0 != 0 }) { places.append((name, offset)) }
            }
        }
        guard !places.isEmpty else { return false }
        let place = random.pick(places)
        directory.rot(place.name, at: place.offset + Int.random(in: 0..<64, using: &random))
        hasRotted = true
        return true
    }

    /// No more trouble, but what there is stays.
    func calmDown() {
        isFull = false
        syncTime = Self.healthySyncTime
        directory.changesLeft = nil
        directory.refusedSyncs = 0
    }
}

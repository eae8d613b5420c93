import Consensus

/// What is on a disk for good.
struct DiskImage {
    var hardState = HardState()
    /// What the state machine's flushed state stands for.
    var base = SnapshotBase.nothing
    /// What the log's first entry follows on.
    private(set) var logStart = Position.zero
    private(set) var entries: [Entry] = []

    init() {}

    init(_ stored: StoredState) {
        base = stored.base
        logStart = stored.base.position
    }

    var end: LogIndex { logStart.index.advanced(by: entries.count) }

    /// The entry at `index`, if the log has it.
    func entry(at index: LogIndex) -> Entry? {
        guard index > logStart.index, index <= end else { return nil }
        return entries[place(of: index)]
    }

    /// What the log has at `index`, or follows on.
    func logPosition(at index: LogIndex) -> Position? {
        index == logStart.index ? logStart : entry(at: index)?.position
    }

    func position(at index: LogIndex) -> Position? {
        index == base.position.index ? base.position : logPosition(at: index)
    }

    /// Whether what stands at `position` is here, in the log or in the state.
    func holds(_ position: Position) -> Bool {
        position.index <= base.position.index || entry(at: position.index)?.position == position
    }

    /// Carries `write` out. False: it does not fit on what is here.
    mutating func carryOut(_ write: Write) -> Bool {
        switch write {
        case .hardState(let state): hardState = state
        case .append(let new):
            guard new.first?.index == end.next else { return false }
            entries.append(contentsOf: new)
        case .cut(let index):
            guard index > logStart.index, index <= end else { return false }
            entries.removeSubrange(place(of: index)...)
        case .base(let new):
            let isTrimmed = new.position.index < logStart.index
            guard !isTrimmed, logPosition(at: new.position.index) != new.position else { return true }
            entries.removeAll()
            logStart = new.position
        }
        return true
    }

    /// Lets go of the log up to `index`, which the state stands for.
    mutating func trim(through index: LogIndex) {
        guard let entry = entry(at: index), index <= base.position.index else { return }
        entries.removeFirst(place(of: index) + 1)
        logStart = entry.position
    }

    /// Loses the last `count` entries behind the state.
    mutating func forget(_ count: Int) {
        let behind =
            end > base.position.index ? Int(end.rawValue - max(base.position.index, logStart.index).rawValue) : 0
        entries.removeLast(min(count, behind))
    }

    private func place(of index: LogIndex) -> Int { Int(index.rawValue - logStart.index.rawValue) - 1 }
}

/// A disk with a cache before it.
struct SimulatedDisk {
    var image: DiskImage
    /// Wanted, and lost in a crash.
    private(set) var unsynced: [(number: WriteNumber, write: Write)] = []
    var isSyncing = false
    /// It has lost something, and says so at each start until the replica has stored its doubt.
    var owesDoubt = false

    init(_ image: DiskImage) { self.image = image }

    mutating func write(_ write: Write, _ number: WriteNumber) { unsynced.append((number, write)) }

    var lastWritten: WriteNumber? { unsynced.last?.number }

    /// Whether a base is wanted that is not on the medium yet.
    var awaitsBase: Bool {
        unsynced.contains { pending in
            if case .base = pending.write { true } else { false }
        }
    }

    /// Everything through `number` is on the medium. False: something did not fit.
    mutating func sync(through number: WriteNumber) -> Bool {
        var done = 0
        var fits = true
        while done < unsynced.count, unsynced[done].number <= number {
            fits = carryOut(unsynced[done].write) && fits
            done += 1
        }
        unsynced.removeFirst(done)
        return fits
    }

    /// The process or the machine dies: the first `count` of the unsynced writes have reached the medium.
    mutating func crash(surviving count: Int) -> Bool {
        var fits = true
        for pending in unsynced.prefix(count) { fits = carryOut(pending.write) && fits }
        unsynced.removeAll()
        isSyncing = false
        return fits
    }

    private mutating func carryOut(_ write: Write) -> Bool {
        if case .hardState = write { owesDoubt = false }
        return image.carryOut(write)
    }
}

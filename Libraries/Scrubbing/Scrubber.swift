import Client
import MaintenanceState
import Protocol
import Synchronization

/// Reads everything on all disks again and again: the disk whose last complete check is the longest ago first, several
/// disks at the same time.
public final class Scrubber<Cluster: ScrubCluster>: Sendable {
    private static var lookNanoseconds: UInt64 { 10_000_000_000 }

    private struct State {
        var active: [BlockServiceID: PassProgress] = [:]
        /// Disks that are let be until this (monotonic) time.
        var pausedUntil: [BlockServiceID: UInt64] = [:]
    }

    private let cluster: Cluster
    private let memory: ScrubMemory
    private let settings: ScrubSettings
    private let observer: @Sendable (ScrubEvent) -> Void
    private let state = Mutex(State())

    /// - Parameter observer: told what happens; called from any thread.
    public init(
        cluster: Cluster, memory: MaintenanceState, settings: ScrubSettings,
        observer: @escaping @Sendable (ScrubEvent) -> Void
    ) {
        self.cluster = cluster
        self.memory = ScrubMemory(memory, observer)
        self.settings = settings
        self.observer = observer
    }

    /// Until the task is cancelled.
    public func run() async {
        let repairs = SpanRepairs(cluster, memory, count: { [weak self] in self?.count($0, $1) }, observer)
        await withTaskGroup(of: Bool.self) { group in
            // One child waits, the others are passes; whenever one ends it is looked what can begin.
            group.addTask { await self.waitForNextLook() }
            while !Task.isCancelled {
                for disk in await due() {
                    guard let progress = begin(disk) else { continue }
                    group.addTask { await self.pass(over: disk, progress, repairs) }
                }
                if await group.next() == true { group.addTask { await self.waitForNextLook() } }
            }
        }
    }

    /// One pass over every disk that is due, for tests and tools; disks that cannot be read are left out.
    public func runOnce() async {
        let repairs = SpanRepairs(cluster, memory, count: { [weak self] in self?.count($0, $1) }, observer)
        while !Task.isCancelled {
            let disks = await due()
            guard !disks.isEmpty else { return }
            await withTaskGroup(of: Bool.self) { group in
                for disk in disks {
                    guard let progress = begin(disk) else { continue }
                    group.addTask { await self.pass(over: disk, progress, repairs) }
                }
            }
        }
    }

    private func waitForNextLook() async -> Bool {
        await cluster.sleep(nanoseconds: Self.lookNanoseconds)
        return true
    }

    // MARK: Choosing

    /// Disks to begin with now: as many as there is room for, the one that waited longest first.
    private func due() async -> [ScrubDisk] {
        guard memory.isWritable() else { return [] }
        let disks: [ScrubDisk]
        do throws(ClientError) {
            disks = try await cluster.disks()
        } catch {
            observer(.noDisks(error))
            return []
        }
        let (now, wall) = (cluster.monotonicNanoseconds, cluster.now)
        let (active, paused) = state.withLock { state in
            state.pausedUntil = state.pausedUntil.filter { $0.value > now }
            return (Set(state.active.keys), Set(state.pausedUntil.keys))
        }
        let candidates = disks.filter { disk in
            disk.flags.isReadable && disk.id.rawValue % settings.instances == settings.instance
                && !active.contains(disk.id) && !paused.contains(disk.id)
        }
        let aged = candidates.compactMap { disk -> (disk: ScrubDisk, checked: Timestamp)? in
            let record = record(of: disk)
            return isDue(record, wall) ? (disk, record.lastFullCheckBegan) : nil
        }
        let sorted = aged.sorted { ($0.checked, $0.disk.id) < ($1.checked, $1.disk.id) }
        return sorted.prefix(max(settings.disksAtOnce - active.count, 0)).map(\.disk)
    }

    private func isDue(_ record: DiskRecord, _ now: Timestamp) -> Bool {
        if record.passBegan != .zero || record.lastFullCheckBegan == .zero { return true }
        // A check in the future: the clock was set back, and nobody knows how old it is.
        guard now >= record.lastFullCheckBegan else { return true }
        return now.nanoseconds - record.lastFullCheckBegan.nanoseconds >= settings.intervalNanoseconds
    }

    // MARK: Passes

    private func begin(_ disk: ScrubDisk) -> PassProgress? {
        guard !Task.isCancelled else { return nil }
        var record = record(of: disk)
        record.path = disk.path
        if record.passBegan == .zero {
            record.passBegan = cluster.now
            record.shard = ShardID(rawValue: 0)
            record.file = .null
        }
        let unanswered = UnansweredBlocks(known: memory.findings(on: disk.id), limit: settings.unansweredLimit)
        let progress = PassProgress(of: disk.id, record, unanswered, in: memory.state)
        state.withLock { $0.active[disk.id] = progress }
        return progress
    }

    private func pass(over disk: ScrubDisk, _ progress: PassProgress, _ repairs: SpanRepairs<Cluster>) async -> Bool {
        await DiskPass(over: disk, cluster, settings, progress, memory, repairs, observer).run()
        if let interruption = progress.interruption {
            interrupted(disk, progress, interruption)
        } else {
            let now = cluster.now
            progress.update { record in
                record.lastFullCheckBegan = record.passBegan
                record.lastFullCheck = now
                record.passBegan = .zero
                record.passes &+= 1
            }
            observer(.passEnded(disk, progress.record))
        }
        state.withLock { state in
            memory.remember { () throws(MaintenanceStateError) in try progress.save() }
            state.active[disk.id] = nil
        }
        return false
    }

    private func interrupted(_ disk: ScrubDisk, _ progress: PassProgress, _ reason: ScrubInterruption) {
        let pause: UInt64
        switch reason {
        // The state's own trouble is told once for all disks, which go on as soon as it is over.
        case .cancelled, .notRemembered: return
        case .deviceErrors: pause = settings.deviceErrorPauseNanoseconds
        case .notReadable, .noAnswer:
            pause = settings.unreachablePauseNanoseconds
            progress.update { $0.unreachable &+= 1 }
        }
        let until = cluster.monotonicNanoseconds &+ pause
        state.withLock { $0.pausedUntil[disk.id] = until }
        observer(.passInterrupted(disk, reason))
    }

    // MARK: Records

    private func record(of disk: ScrubDisk) -> DiskRecord {
        do throws(MaintenanceStateError) {
            return try memory.state.disk(disk.id) ?? DiskRecord()
        } catch {
            memory.failed(error)
            return DiskRecord()
        }
    }

    /// Damage found on a disk counts there, whichever disk's pass came upon it.
    private func count(_ id: BlockServiceID, _ change: (inout DiskRecord) -> Void) {
        state.withLock { state in
            if let progress = state.active[id] {
                progress.update(change)
                memory.remember { () throws(MaintenanceStateError) in try progress.save() }
                return
            }
            memory.remember { () throws(MaintenanceStateError) in
                var record = try memory.state.disk(id) ?? DiskRecord()
                change(&record)
                try memory.state.set(record, ofDisk: id)
            }
        }
    }
}

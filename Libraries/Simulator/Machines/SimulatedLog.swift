import Protocol
import ReplicatedLog

/// The log of one process: the real `LogGroup`s of its state machines over one simulated disk, with group commit as
/// `LogHost` does it.
final class SimulatedLog {
    /// One state machine's log.
    final class Group {
        fileprivate var group: LogGroup
        private unowned let log: SimulatedLog
        var onDelivery: ((LogEntry) -> Void)?

        fileprivate init(_ group: LogGroup, log: SimulatedLog) {
            self.group = group
            self.log = log
        }

        func propose(_ bytes: [UInt8]) throws(ProposalRefusal) -> LogIndex {
            let index = try group.propose(bytes)
            log.isDirty(group.id)
            // Nothing is committed before it is durable; whoever breaks that is found out here.
            deliver()
            return index
        }

        fileprivate func persisted(through index: LogIndex) {
            group.persisted(through: index)
            deliver()
        }

        private func deliver() {
            while let entry = group.takeCommitted() { onDelivery?(entry) }
        }
    }

    private let world: World
    private let disk: SimulatedDisk
    private let failed: () -> Void
    private var groups: [LogGroupID: Group] = [:]
    private var dirty: [LogGroupID] = []
    private var isWriting = false
    /// What the full disk did not take; the next write begins with it.
    private var waiting = LogBatch()
    private var isClosed = false
    private(set) var syncs = 0

    /// - Parameter failed: the disk refused a write; the process has to stop.
    init(_ world: World, _ disk: SimulatedDisk, failed: @escaping () -> Void) {
        self.world = world
        self.disk = disk
        self.failed = failed
    }

    func open(_ id: LogGroupID, delivered: LogIndex) -> Group {
        let group = Group(LogGroup(id: id, delivered: delivered), log: self)
        groups[id] = group
        return group
    }

    /// The process is gone; what is under way never reports back.
    func close() { isClosed = true }

    fileprivate func isDirty(_ id: LogGroupID) {
        dirty.append(id)
        // What one turn of the loop brings goes together.
        if dirty.count == 1 && !isWriting { world.after(10_000) { [self] in write() } }
    }

    private func write() {
        guard !isClosed, !isWriting, !dirty.isEmpty || !waiting.isEmpty else { return }
        var batch = waiting
        waiting = LogBatch()
        for id in dirty { groups[id]?.group.takeAppends { batch.append($0, of: id) } }
        dirty.removeAll(keepingCapacity: true)
        guard !batch.isEmpty else { return }
        do throws(LogError) {
            try disk.log.write([batch])
        } catch .noSpace {
            // Until there is room; clients repeat what is not answered.
            waiting = batch
            return world.after(200_000_000) { [self] in write() }
        } catch {
            return failed()
        }
        isWriting = true
        world.after(world.random.spread(disk.syncTime)) { [self] in sync(batch) }
    }

    private func sync(_ batch: LogBatch) {
        guard !isClosed else { return }
        isWriting = false
        do throws(LogError) {
            try disk.log.sync()
        } catch {
            return failed()
        }
        syncs += 1
        for (id, tail) in batch.tails.sorted(by: { $0.key < $1.key }) where !isClosed {
            groups[id]?.persisted(through: tail)
        }
        write()
    }
}

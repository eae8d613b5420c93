import Client
import Protocol
import Synchronization

/// What migration asks of a cluster beyond repair.
package protocol MigrationCluster: RepairCluster {
    /// Every block service there is or was.
    /// - Parameter age: what is known may be this old.
    func blockServices(
        notOlderThanNanoseconds age: UInt64
    ) async throws(ClientError) -> [BlockServiceDeprecatedInfo]
}

/// Evacuates block services: finds their files in the indices of all shards and has the blocks moved (services.md D.7).
///
/// Where it is need not be remembered: what was moved is no longer in the indices. Any number of migrators may
/// run, also on the same files; they hinder each other less when the files are dealt out to them.
package struct Migrator<Cluster: MigrationCluster>: Sendable {
    /// A shard is told of so many services to avoid at most, so that the request stays a small datagram.
    private static var avoidedLimit: Int { 64 }

    /// How a pass ended.
    package struct Pass: Sendable {
        /// Services that were to be evacuated.
        package var services = 0
        /// Those of them that still have files, other migrators' and unfinished ones included.
        package var occupied: Set<BlockServiceID> = []
        package var tally = RepairTally()
        /// Whether all shards could be asked.
        package var isComplete = true
    }

    private let cluster: Cluster
    private let repair: FileRepair<Cluster>
    private let options: MigrationOptions
    private let report: @Sendable (MigrationEvent) -> Void

    package init(
        cluster: Cluster, repair: FileRepair<Cluster>, options: MigrationOptions,
        report: @escaping @Sendable (MigrationEvent) -> Void
    ) {
        self.cluster = cluster
        self.repair = repair
        self.options = options
        self.report = report
    }

    /// Until the task is cancelled.
    package func run() async {
        var known: Set<BlockServiceID> = []
        var isFirst = true
        while !Task.isCancelled {
            let start = cluster.monotonicNanoseconds
            let pass = await self.pass(isFirst, &known)
            isFirst = isFirst && !pass.isComplete
            // What could be moved is moved: files that are left are unfinished or failed.
            if pass.occupied.isEmpty || pass.tally.replacedBlocks == 0 {
                await repair.releaseScratchFiles()
                let elapsed = cluster.monotonicNanoseconds &- start
                await cluster.sleep(nanoseconds: options.pollNanoseconds - min(elapsed, options.pollNanoseconds))
            }
        }
        await repair.releaseScratchFiles()
    }

    /// One look through all shards, and all files moved that were found, as long as the services to be evacuated stay
    /// the same.
    package func pass(_ isFirstLook: Bool, _ known: inout Set<BlockServiceID>) async -> Pass {
        var pass = Pass()
        let all: [BlockServiceDeprecatedInfo]
        do throws(ClientError) {
            all = try await cluster.blockServices(notOlderThanNanoseconds: 0)
        } catch {
            report(.trouble(error))
            pass.isComplete = false
            return pass
        }
        let services = all.filter { options.takes($0, isFirstLook: isFirstLook) }
        let ids = Set(services.map(\.id))
        pass.services = ids.count
        // The registry has found out first that a service is empty.
        for service in all where known.contains(service.id) && !ids.contains(service.id) && !service.hasFiles {
            report(.empty(service))
        }
        known.formIntersection(ids)
        guard !ids.isEmpty else { return pass }
        let files = await scan(ids, &pass)
        if pass.isComplete {
            for service in services where !pass.occupied.contains(service.id) && known.contains(service.id) {
                report(.empty(service))
            }
            let occupied = services.filter { pass.occupied.contains($0.id) }
            if Set(occupied.map(\.id)) != known, !occupied.isEmpty { report(.began(occupied)) }
            known = pass.occupied
        }
        await move(files, services, isFirstLook, &pass)
        return pass
    }

    // MARK: Finding files

    private struct Scanned: Sendable {
        var occupied: Set<BlockServiceID> = []
        var error: ClientError?
    }

    /// All shards put what they find into one collection of limited size, file by file: a shard alone may list more
    /// than there is memory for.
    private func scan(_ services: Set<BlockServiceID>, _ pass: inout Pass) async -> SharedFiles {
        await withTaskGroup(of: Scanned.self) { group in
            let files = SharedFiles()
            var next = 0
            var running = 0
            while next < ShardID.count || running > 0 {
                if next < ShardID.count, running < options.shardsAtOnce, !Task.isCancelled {
                    let shard = ShardID(rawValue: UInt8(next))
                    group.addTask { await scan(shard, services, into: files) }
                    next += 1
                    running += 1
                    continue
                }
                guard let found = await group.next() else { break }
                running -= 1
                pass.occupied.formUnion(found.occupied)
                if let error = found.error {
                    pass.isComplete = false
                    if !Task.isCancelled { report(.trouble(error)) }
                }
                if Task.isCancelled { next = ShardID.count }
            }
            return files
        }
    }

    private func scan(_ shard: ShardID, _ services: Set<BlockServiceID>, into files: SharedFiles) async -> Scanned {
        var list = ServiceFiles(cluster: cluster, shard: shard, services: services)
        var found = Scanned()
        do throws(ClientError) {
            while !Task.isCancelled, let (file, count) = try await list.next() {
                if options.isMine(file) { files.insert(file, services: count) }
            }
        } catch {
            found.error = error
        }
        found.occupied = list.occupied
        return found
    }

    // MARK: Moving

    private func move(
        _ files: SharedFiles, _ services: [BlockServiceDeprecatedInfo], _ isFirstLook: Bool,
        _ pass: inout Pass
    ) async {
        guard files.count > 0 else { return }
        let ids = Set(services.map(\.id))
        // Of those that a shard might still pick.
        let avoiding = services.filter(\.flags.isWritable).prefix(Self.avoidedLimit).map {
            BlacklistEntry(failureDomain: .none, blockService: $0.id)
        }
        var progress = MigrationProgress()
        progress.remainingFiles = files.count
        progress.isMoreToCome = files.omitted > 0
        var lastTick = cluster.monotonicNanoseconds
        progress.tick(now: lastTick)
        var isSame = true
        await withTaskGroup(of: Moved.self) { group in
            var running = 0
            while true {
                if running < options.filesAtOnce, isSame, !Task.isCancelled, let file = files.popMostEndangered() {
                    group.addTask { await move(file, off: ids, avoiding) }
                    running += 1
                    continue
                }
                guard let moved = await group.next() else { break }
                running -= 1
                progress.add(moved.outcome.tally)
                tell(moved)
                let now = cluster.monotonicNanoseconds
                guard now &- lastTick >= options.pollNanoseconds else { continue }
                lastTick = now
                progress.tick(now: now)
                report(.progress(progress))
                isSame = await isUnchanged(ids, isFirstLook)
            }
        }
        progress.tick(now: cluster.monotonicNanoseconds)
        report(.progress(progress))
        pass.tally = progress.tally
    }

    private struct Moved: Sendable {
        let file: InodeID
        let outcome: RepairOutcome
    }

    private func move(_ file: InodeID, off services: Set<BlockServiceID>, _ avoiding: [BlacklistEntry]) async -> Moved {
        let outcome = await repair.repair(file, avoiding: avoiding) { block in
            services.contains(block.service.id) ? .move : .keep
        }
        return Moved(file: file, outcome: outcome)
    }

    private func tell(_ moved: Moved) {
        report(.file(moved.file, moved.outcome.tally))
        guard !Task.isCancelled else { return }
        for failure in moved.outcome.failures { report(.failed(failure)) }
    }

    /// Whether no other service is to be evacuated than at the beginning of the pass. When one is, files may be in more
    /// danger than those that wait.
    private func isUnchanged(_ services: Set<BlockServiceID>, _ isFirstLook: Bool) async -> Bool {
        do throws(ClientError) {
            let all = try await cluster.blockServices(notOlderThanNanoseconds: options.pollNanoseconds / 2)
            return all.allSatisfy { services.contains($0.id) || !options.takes($0, isFirstLook: isFirstLook) }
        } catch {
            report(.trouble(error))
            return true
        }
    }
}

/// `EndangeredFiles` that several tasks fill. Thread-safe.
private final class SharedFiles: Sendable {
    private let files = Mutex(EndangeredFiles())

    var count: Int { files.withLock(\.count) }
    var omitted: Int { files.withLock(\.omitted) }

    func insert(_ file: InodeID, services: Int) {
        files.withLock { $0.insert(file, services: services) }
    }

    func popMostEndangered() -> InodeID? {
        files.withLock { $0.popMostEndangered() }
    }
}

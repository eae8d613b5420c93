import Client
import MaintenanceState
import Protocol

/// Walks through what all shards list and hands each item to a duty. Errors stay with the item or shard they concern.
///
/// Each duty goes on from a place that it told of earlier through `reached`; from then on everything before it is done.
public struct ShardRounds<Cluster: ClusterAccess>: Sendable {
    private let cluster: Cluster
    private let collector: DirectoryCollector<Cluster>
    private let destructor: FileDestructor<Cluster>
    private let cleaner: IndexCleaner<Cluster>
    private let report: @Sendable (ShardID, InodeID?, ClientError) -> Void
    private let filesAtOnce: Int

    /// - Parameters:
    ///   - filesAtOnce: files of one shard that are destroyed at the same time, at least 1.
    ///   - report: told of each error; for the log.
    public init(
        cluster: Cluster, collector: DirectoryCollector<Cluster>, destructor: FileDestructor<Cluster>,
        filesAtOnce: Int = 1,
        report: @escaping @Sendable (ShardID, InodeID?, ClientError) -> Void
    ) {
        self.cluster = cluster
        self.collector = collector
        self.destructor = destructor
        cleaner = IndexCleaner(cluster: cluster)
        self.filesAtOnce = max(filesAtOnce, 1)
        self.report = report
    }

    /// Looks through the snapshots of every directory of a shard.
    public func collectDirectories(
        of shard: ShardID, from place: ShardPlace = .beginning,
        reached: @Sendable (ShardPlace) -> Void = { _ in }
    ) async -> Tally {
        await guarding(shard) { () throws(ClientError) in
            // Said once, not for each item.
            _ = try cluster.now
            var tally = Tally()
            var begin = place.inode
            repeat {
                let page = try await cluster.call(VisitDirectoriesRequest(beginId: begin, mtu: 0), shard: shard)
                for directory in page.ids where !Task.isCancelled {
                    tally += await guarding(shard, directory) { () throws(ClientError) in
                        try await collector.collect(directory)
                    }
                }
                begin = try next(page.nextId, after: begin)
                if !begin.isNull, !Task.isCancelled { reached(ShardPlace(begin)) }
            } while !begin.isNull && !Task.isCancelled
            return tally
        }
    }

    /// Destroys the expired transient files of a shard.
    public func destroyFiles(
        of shard: ShardID, from place: ShardPlace = .beginning,
        reached: @Sendable (ShardPlace) -> Void = { _ in }
    ) async -> Tally {
        await guarding(shard) { () throws(ClientError) in
            // Said once, not for each item.
            _ = try cluster.now
            var tally = Tally()
            var begin = place.inode
            repeat {
                let page = try await cluster.call(VisitTransientFilesRequest(beginId: begin, mtu: 0), shard: shard)
                tally += await destroy(page.files, of: shard)
                begin = try next(page.nextId, after: begin)
                if !begin.isNull, !Task.isCancelled { reached(ShardPlace(begin)) }
            } while !begin.isNull && !Task.isCancelled
            return tally
        }
    }

    private func destroy(_ files: [TransientFile], of shard: ShardID) async -> Tally {
        await withTaskGroup(of: Tally.self) { group in
            var total = Tally()
            var running = 0
            for file in files where !Task.isCancelled {
                if running >= filesAtOnce, let tally = await group.next() {
                    total += tally
                    running -= 1
                }
                group.addTask { await self.destroy(file, of: shard) }
                running += 1
            }
            for await tally in group { total += tally }
            return total
        }
    }

    private func destroy(_ file: TransientFile, of shard: ShardID) async -> Tally {
        await guarding(shard, file.id) { () throws(ClientError) in try await destructor.destroy(file) }
    }

    /// Drops the empty entries of a shard's index of files by block service.
    public func cleanIndex(
        of shard: ShardID, from place: ShardPlace = .beginning,
        reached: @Sendable (ShardPlace) -> Void = { _ in }
    ) async -> Tally {
        await guarding(shard) { () throws(ClientError) in
            try await cleaner.clean(shard, from: place, reached: reached)
        }
    }

    /// Runs one of the above for each of `shards`, a few at a time.
    public static func run(
        over shards: some Sequence<ShardID> & Sendable, atOnce: Int,
        _ duty: @escaping @Sendable (ShardID) async -> Tally
    ) async -> Tally {
        await withTaskGroup(of: Tally.self) { group in
            var total = Tally()
            var started = 0
            for shard in shards where !Task.isCancelled {
                if started >= atOnce, let tally = await group.next() { total += tally }
                group.addTask { await duty(shard) }
                started += 1
            }
            for await tally in group { total += tally }
            return total
        }
    }

    private func next(_ id: InodeID, after begin: InodeID) throws(ClientError) -> InodeID {
        guard id.isNull || id.rawValue > begin.rawValue else {
            throw ClientError(.malformedAnswer, "a listing of a shard", "it does not advance")
        }
        return id
    }

    private func guarding(
        _ shard: ShardID, _ item: InodeID? = nil, _ body: () async throws(ClientError) -> Tally
    ) async -> Tally {
        do throws(ClientError) {
            return try await body()
        } catch {
            report(shard, item, error)
            var tally = Tally()
            tally.failures = 1
            return tally
        }
    }
}

import Client
import MaintenanceState
import Protocol

/// Moves blocks from full disks to empty ones of the same storage class until all are about equally full.
public actor Rebalancer<Cluster: RebalanceCluster> {
    /// What it tells, for log and counters.
    public enum Event: Sendable {
        /// Blocks left a disk.
        case moved(from: BlockServiceID, bytes: UInt64, files: Int)
        /// Blocks of so many spans could not leave a disk; why, for one of them.
        case notMoved(from: BlockServiceID, spans: Int, String)
        /// A disk is too full, but nothing on it can go where there is room.
        case stuck(BlockServiceID)
        /// A request failed; it is tried again later.
        case failed(ClientError)
        /// The state could not be read or written.
        case stateError(MaintenanceStateError)
    }

    /// How it goes about its work.
    public struct Settings: Hashable, Sendable {
        /// Differences up to this share of the capacity are let be, 0…1.
        public var margin = 0.1
        /// Moved from one disk before it is looked again, at most.
        public var batchBytes: UInt64 = 1 << 30
        /// Between two looks when nothing is to be done.
        public var intervalNanoseconds: UInt64 = 60_000_000_000
        /// How long a disk is let be that has nothing to give.
        public var stuckNanoseconds: UInt64 = 3_600_000_000_000
        /// After so long what was moved away should be erased.
        public var settleNanoseconds: UInt64 = 1_800_000_000_000
        /// After so long the registry should know of what was moved somewhere.
        public var arrivalNanoseconds: UInt64 = 180_000_000_000
        public var filesAtOnce = 4

        public init() {}
    }

    private struct Place {
        var shard = ShardID(rawValue: 0)
        var file = InodeID.null

        /// After the last shard comes the first.
        var nextShard: Place { Place(shard: ShardID(rawValue: shard.rawValue &+ 1)) }
    }

    private let cluster: Cluster
    private let memory: MaintenanceState
    private let settings: Settings
    private let observer: @Sendable (Event) -> Void
    private var plan: RebalancePlan
    private var arrivals = FillForecast()
    private var places: [BlockServiceID: Place] = [:]
    private var stuckUntil: [BlockServiceID: UInt64] = [:]

    public init(
        cluster: Cluster, memory: MaintenanceState, settings: Settings,
        observer: @escaping @Sendable (Event) -> Void
    ) {
        self.cluster = cluster
        self.memory = memory
        self.settings = settings
        self.observer = observer
        plan = RebalancePlan(margin: settings.margin, batchBytes: settings.batchBytes)
    }

    /// Until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            if await step() { continue }
            await cluster.sleep(nanoseconds: settings.intervalNanoseconds)
        }
    }

    private struct Batch {
        var bytes: UInt64 = 0
        var files = 0
        var failedSpans = 0
        var failure: String?
        /// Whether a request failed before all files were looked at.
        var isCutShort = false

        mutating func add(_ move: RebalanceMove) {
            bytes += move.bytes
            if move.bytes > 0 { files += 1 }
            failedSpans += move.failedSpans
            failure = failure ?? move.failure
        }

        static func += (left: inout Batch, right: Batch) {
            left.bytes += right.bytes
            left.files += right.files
            left.failedSpans += right.failedSpans
            left.failure = left.failure ?? right.failure
        }
    }

    /// Moves one batch; false when there is nothing to do now.
    public func step() async -> Bool {
        let disks: [DiskFill]
        do throws(ClientError) {
            disks = try await cluster.fills()
        } catch {
            observer(.failed(error))
            return false
        }
        let now = cluster.now.nanoseconds
        arrivals.expire(now: now)
        stuckUntil = stuckUntil.filter { $0.value > now }
        let departures = departures(now)
        let view = RebalancePlan.View(
            shown: disks, expected: departures.applied(to: arrivals.applied(to: disks)), giving: departures.disks,
            receiving: arrivals.disks, stuck: Set(stuckUntil.keys))
        guard let relief = plan.next(view) else { return false }
        let moved = await move(relief)
        await cluster.released()
        if let failure = moved.failure, !Task.isCancelled {
            observer(.notMoved(from: relief.source, spans: moved.failedSpans, failure))
        }
        guard moved.bytes > 0 else {
            guard !moved.isCutShort, !Task.isCancelled else { return false }
            stuckUntil[relief.source] = now &+ settings.stuckNanoseconds
            observer(.stuck(relief.source))
            return true
        }
        remember(relief, moved.bytes)
        observer(.moved(from: relief.source, bytes: moved.bytes, files: moved.files))
        return true
    }

    // MARK: Moving

    /// Goes on through the source's files from where the last batch ended, once around at most.
    private func move(_ relief: RebalancePlan.Relief) async -> Batch {
        var place = places[relief.source, default: Place()]
        defer { places[relief.source] = place }
        var total = Batch()
        var shardsLeft = ShardID.count + 1
        while shardsLeft > 0, total.bytes < relief.bytes, !Task.isCancelled {
            let files: [InodeID]
            do throws(ClientError) {
                files = try await self.files(on: relief.source, place)
            } catch {
                observer(.failed(error))
                total.isCutShort = true
                // One shard that is away must not keep the files of the others from moving the next time.
                place = place.nextShard
                return total
            }
            for some in files.chunks(of: settings.filesAtOnce) where total.bytes < relief.bytes {
                guard !Task.isCancelled, let last = some.last else { break }
                total += await move(some, relief, atMost: relief.bytes - total.bytes)
                place.file = InodeID(rawValue: last.rawValue &+ 1 << 8)
            }
            if files.isEmpty || !place.file.isValidOnWire {
                place = place.nextShard
                shardsLeft -= 1
            }
        }
        return total
    }

    /// Files from a place on; a list that does not advance would never end.
    private func files(on disk: BlockServiceID, _ place: Place) async throws(ClientError) -> [InodeID] {
        let files = try await cluster.files(on: disk, in: place.shard, from: place.file)
        guard files.first.map({ $0 >= place.file }) ?? true, zip(files, files.dropFirst()).allSatisfy({ $0 < $1 }),
            files.allSatisfy({ $0.shard == place.shard })
        else {
            throw ClientError(.malformedAnswer, "BLOCK_SERVICE_FILES at shard \(place.shard)", "it does not advance")
        }
        return files
    }

    private func move(
        _ files: ArraySlice<InodeID>, _ relief: RebalancePlan.Relief, atMost bytes: UInt64
    ) async -> Batch {
        let share = max(bytes / UInt64(files.count), 1)
        return await withTaskGroup(of: RebalanceMove.self) { group in
            for file in files { group.addTask { await self.cluster.move(file, relief, atMost: share) } }
            var total = Batch()
            for await moved in group { total.add(moved) }
            return total
        }
    }

    // MARK: What the registry does not know yet

    private func remember(_ relief: RebalancePlan.Relief, _ bytes: UInt64) {
        let now = cluster.now.nanoseconds
        let share = Int64(clamping: bytes / UInt64(max(relief.targets.count, 1)))
        for target in relief.targets { arrivals.add(share, on: target, until: now &+ settings.arrivalNanoseconds) }
        do throws(MaintenanceStateError) {
            let until = Timestamp(nanoseconds: now &+ settings.settleNanoseconds)
            try memory.addDeparture(DiskDeparture(disk: relief.source, bytes: bytes, until: until))
        } catch {
            observer(.stateError(error))
        }
    }

    /// Kept in the state, so that a restart does not move the same amount again.
    private func departures(_ now: UInt64) -> FillForecast {
        var forecast = FillForecast()
        do throws(MaintenanceStateError) {
            for departure in try memory.departures(after: Timestamp(nanoseconds: now)) {
                forecast.add(
                    -Int64(clamping: departure.bytes), on: departure.disk, until: departure.until.nanoseconds)
            }
        } catch {
            observer(.stateError(error))
        }
        return forecast
    }
}

extension Array {
    fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: Swift.max(size, 1)).map { self[$0..<Swift.min($0 + Swift.max(size, 1), count)] }
    }
}

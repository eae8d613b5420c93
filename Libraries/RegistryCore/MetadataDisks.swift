import Protocol

/// What metadata services with little room on their disks have told. It is kept in memory only: the registry's own disk
/// may be full, and who is alive tells it again.
public struct MetadataDisks {
    /// Whose disk it is.
    public enum Owner: Hashable, Sendable {
        /// A process with shards, by the first of them.
        case shards(ShardID, LocationID)
        case coordinator(LocationID)
        /// The one that keeps this table.
        case registry
    }

    private struct Report {
        let isFull: Bool
        let freeBytes: UInt64
        let wantedBytes: UInt64
        let time: UInt64
    }

    /// Who does not repeat it has gone, which is another alarm.
    private static let lifetimeNanoseconds: UInt64 = 180_000_000_000

    private var reports: [Owner: Report] = [:]

    public init() {}

    /// `now`: monotonic nanoseconds, here and below.
    public mutating func report(_ request: ReportMetadataDiskRequest, at now: UInt64) {
        let owner = request.isCoordinator ? Owner.coordinator(request.location) : .shards(request.shard, request.location)
        report(
            owner, isFull: request.isFull, freeBytes: request.freeBytes, wantedBytes: request.wantedBytes, at: now)
    }

    public mutating func report(
        _ owner: Owner, isFull: Bool, freeBytes: UInt64, wantedBytes: UInt64, at now: UInt64
    ) {
        let isLittle = isFull || freeBytes < wantedBytes
        reports[owner] =
            isLittle ? Report(isFull: isFull, freeBytes: freeBytes, wantedBytes: wantedBytes, time: now) : nil
    }

    /// One alarm for each disk, in a stable order.
    public func alarms(at now: UInt64) -> [RegistryAlarm] {
        reports.filter { now &- $0.value.time < Self.lifetimeNanoseconds }
            .map { alarm($0.key.nameForPeople, $0.value) }.sorted { $0.subject < $1.subject }
    }

    private func alarm(_ owner: String, _ report: Report) -> RegistryAlarm {
        let free = report.freeBytes >> 20
        if report.isFull {
            return RegistryAlarm(
                .fullMetadataDisk, owner,
                "the disk under the log and state of \(owner) is full (\(free) MiB are free): changes wait for room")
        }
        return RegistryAlarm(
            .nearlyFullMetadataDisk, owner,
            "the disk under the log and state of \(owner) has \(free) MiB left, at least \(report.wantedBytes >> 20) "
                + "MiB should be free: when it is full changes wait")
    }
}

extension MetadataDisks.Owner {
    fileprivate var nameForPeople: String {
        switch self {
        case .shards(let shard, let location): "shard \(shard) and those beside it" + Self.place(location)
        case .coordinator(let location): "the coordinator" + Self.place(location)
        case .registry: "the registry"
        }
    }

    private static func place(_ location: LocationID) -> String { location == .default ? "" : " (location \(location))" }
}

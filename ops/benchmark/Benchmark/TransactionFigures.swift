import EventLoop
import Foundation
import Protocol

/// What crosses directories: how many a second, and what each costs in entries and syncs of the logs.
struct TransactionFigures {
    private static let inFlight = 32

    /// What the logs of the coordinator and of the shards have counted.
    private struct LogCounts {
        var coordinatorEntries = 0.0
        var coordinatorSyncs = 0.0
        var shardEntries = 0.0
        var shardSyncs = 0.0

        /// In the order of the table's columns.
        func since(_ earlier: LogCounts) -> [Double] {
            [
                coordinatorEntries - earlier.coordinatorEntries, coordinatorSyncs - earlier.coordinatorSyncs,
                shardEntries - earlier.shardEntries, shardSyncs - earlier.shardSyncs,
            ]
        }
    }

    private let report: Report
    private let cluster: BenchCluster
    private let coordinator: SocketAddress
    private let shardZero: SocketAddress
    private let syncsPerSecond: Double
    private let seconds: Double
    private let tag = String(ProcessInfo.processInfo.processIdentifier)

    init(
        _ report: Report, _ cluster: BenchCluster, shardZero: SocketAddress, syncsPerSecond: Double, seconds: Double
    ) throws {
        guard let coordinator = SocketAddress(parsing: try cluster.address("cdc")) else {
            throw ProgramError(description: "the coordinator has reported no address")
        }
        self.report = report
        self.cluster = cluster
        self.coordinator = coordinator
        self.shardZero = shardZero
        self.syncsPerSecond = syncsPerSecond
        self.seconds = seconds
    }

    func run() throws {
        // In another shard than ROOT, so that every move is between two shards.
        guard let folder = try makeDirectories(1, inFlight: 1, "folder").first else {
            throw ProgramError(description: "a directory could not be made")
        }
        var costs: [(name: String, values: [Double])] = []
        costs += try measure("mkdir", wanted: 0.8) { count in
            (0..<count).map { MakeDirectorySlot(in: .root, prefix: "d\(tag)-\(count)-\($0)") }
        }
        // One for itself, the others for all at once.
        let files = try makeFiles(Self.inFlight + 1)
        costs += try measure("rename file across directories", wanted: 0.8) { count in
            (count == 1 ? files.suffix(1) : files.prefix(count)).map { RenameSlot($0, to: folder.id) }
        }
        let directories = try makeDirectories(Self.inFlight + 1, inFlight: Self.inFlight + 1, "moved")
        costs += try measure("rename directory", wanted: nil) { count in
            (count == 1 ? directories.suffix(1) : directories.prefix(count)).map { RenameSlot($0, to: folder.id) }
        }
        // The first read of each shard after the coordinator's start costs an entry (CLOSE_SEQUENCES). Directories are
        // dealt out to shards in turn, so this reads all of them.
        let first = try makeDirectories(512, inFlight: Self.inFlight, "first")
        _ = try load(coordinator, DatagramLoad.coordinatorWord, [RemoveDirectorySlot(first[...])], seconds: 60)
        let each = Int(seconds * 100)
        let single = try makeDirectories(each, inFlight: 1, "single")
        let many = try makeDirectories(each * 4 * Self.inFlight, inFlight: Self.inFlight, "many")
        costs += try measure("rmdir", wanted: nil) { count in
            let victims = count == 1 ? single : many
            let share = victims.count / count
            return (0..<count).map { RemoveDirectorySlot(victims[$0 * share..<($0 + 1) * share]) }
        }
        report.table(
            "logs, for each request",
            columns: ["coordinator's entries", "coordinator's syncs", "shards' entries", "shards' syncs"], rows: costs)
    }

    /// One at a time, then many in flight. Returns what each took of the logs.
    private func measure(
        _ name: String, wanted: Double?, _ slots: (Int) -> [any DatagramLoad.Slot]
    ) throws -> [(name: String, values: [Double])] {
        try [1, Self.inFlight].map { count in
            let before = try counts()
            let slots = slots(count)
            let result = try load(coordinator, DatagramLoad.coordinatorWord, slots)
            // The coordinator's lazy records follow within some milliseconds.
            usleep(100_000)
            let after = try counts()
            guard result.operations > 0 else { throw ProgramError(description: "\(name): nothing succeeded") }
            let label = "\(name), \(count == 1 ? "one at a time" : "\(count) in flight")"
            report.add(
                Figure(
                    "cdc: \(label)", "/s", result.perSecond, ceiling: syncsPerSecond, by: "fsyncs of the disk",
                    wanted: count == 1 ? nil : wanted))
            return (label, after.since(before).map { $0 / Double(result.operations) })
        }
    }

    private func counts() throws -> LogCounts {
        let cdc = try cluster.counters("cdc", through: "transactions_succeeded_total")
        let shard = try cluster.counters("shard", through: "shard_writes_total")
        guard let coordinatorEntries = cdc["log_entries_total"], let coordinatorSyncs = cdc["log_syncs_total"],
            let shardEntries = shard["shard_log_entries_total"], let shardSyncs = shard["shard_log_syncs_total"]
        else { throw ProgramError(description: "a service does not count its log's syncs") }
        return LogCounts(
            coordinatorEntries: coordinatorEntries, coordinatorSyncs: coordinatorSyncs, shardEntries: shardEntries,
            shardSyncs: shardSyncs)
    }

    // MARK: Preparing

    private func makeFiles(_ count: Int) throws -> [MadeName] {
        let slots = (0..<count).map { CreateSlot(in: .root, prefix: "f\(tag)-\($0)", limit: 1) }
        _ = try load(shardZero, DatagramLoad.shardWord, slots, seconds: 30)
        return slots.flatMap(\.made)
    }

    private func makeDirectories(_ count: Int, inFlight: Int, _ prefix: String) throws -> [MadeName] {
        let slots = (0..<inFlight).map {
            MakeDirectorySlot(in: .root, prefix: "\(prefix)\(tag)-\($0)", limit: count / inFlight)
        }
        _ = try load(coordinator, DatagramLoad.coordinatorWord, slots, seconds: 120)
        return slots.flatMap(\.made)
    }

    private func load(
        _ address: SocketAddress, _ word: UInt32, _ slots: [any DatagramLoad.Slot], seconds: Double? = nil
    ) throws -> DatagramLoad.Result {
        try DatagramLoad.run(to: address, protocolWord: word, slots: slots, seconds: seconds ?? self.seconds)
    }
}

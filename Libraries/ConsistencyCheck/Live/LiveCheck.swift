import Client
import Protocol
import ShardCore
import Store

/// Checks a running cluster through the protocol: everything but what no request shows: the state of a transient file's
/// last span (S16), the counters that ids come from (S20, S21), log positions (S22), how often shared spans are
/// referred to (S23–S25), what is stored of owners, requests and numbers (A, M, N), and the coordinator's map (X6).
///
/// A cluster changes while it is read. Each inode is read as of one moment; what looks wrong, there or between inodes,
/// is read again after a pause, up to three times, and is reported only when it stays.
///
/// Memory: one directory or file at a time for each shard being read, 17 bytes for each live directory, and what looks
/// wrong. Disk: as `OfflineCheck`.
public actor LiveCheck {
    /// What a check is made with.
    public struct Options: Sendable {
        public var shards = Array(ShardID.all)
        /// Shards read at the same time.
        public var width = 8
        /// Has every block read again where it is.
        public var checksBlocks = false
        /// Long enough for transactions to finish, in nanoseconds.
        public var pauseNanoseconds: UInt64 = 5_000_000_000
        public var failureDomains: [BlockServiceID: FailureDomain] = [:]

        public init() {}
    }

    /// A rule and the inode that seems to break it.
    struct Suspicion: Hashable {
        var rule: String
        var id: InodeID
    }

    static let rounds = 3

    let reader: InodeReader
    let cluster: any ClusterReading
    let options: Options
    let table: FactTable
    /// What was read when looking again.
    var fresh = FactTable(MemoryStore())
    private let found: @Sendable (Finding) -> Void
    let progress: @Sendable (String) -> Void
    private var summary = CheckSummary()
    var suspicions: [Suspicion: Finding] = [:]
    /// All that were met in spans.
    var services: Set<BlockServiceID> = []
    /// Directories that shards could not read. They are there all the same.
    var unreadableDirectories: Set<InodeID> = []
    /// Lists that shards could not read.
    var unreadable: [Finding] = []

    public init(
        cluster: any ClusterReading, options: Options, facts: TemporaryFacts,
        found: @escaping @Sendable (Finding) -> Void, progress: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.cluster = cluster
        self.options = options
        self.found = found
        self.progress = progress
        reader = InodeReader(cluster: cluster)
        table = FactTable(facts.store)
    }

    /// - Throws: when a shard does not answer.
    public func run() async throws(CheckFailure) -> CheckSummary {
        // Inodes before names: a file linked meanwhile is found by its name, and one look at it settles the matter.
        try await forEachShard("files") { check, shard throws(ClientError) in try await check.readFiles(of: shard) }
        try await forEachShard("directories") { check, shard throws(ClientError) in
            try await check.readDirectories(of: shard)
        }
        try await forEachShard("lists of block services") { check, shard throws(ClientError) in
            try await check.readReferences(of: shard)
        }
        try compare(table)
        for round in 1...Self.rounds where !suspicions.isEmpty {
            progress("looking again at \(suspicions.count) things that seem wrong (\(round) of \(Self.rounds))")
            await cluster.pause(nanoseconds: options.pauseNanoseconds)
            do throws(ClientError) {
                try await lookAgain()
            } catch {
                throw CheckFailure("\(error)")
            }
        }
        for finding in Set(suspicions.values).union(unreadable).sorted(by: { $0.description < $1.description }) {
            summary.count(finding)
            found(finding)
        }
        return summary
    }

    // MARK: Reading everything

    /// Runs `body` for each shard, several at a time.
    func forEachShard(
        _ what: String, _ body: @escaping @Sendable (LiveCheck, ShardID) async throws(ClientError) -> Void
    ) async throws(CheckFailure) {
        let failure = await withTaskGroup(of: ClientError?.self) { group -> ClientError? in
            var failure: ClientError?
            for (position, shard) in options.shards.enumerated() {
                if position >= options.width, let ended = await group.next() { failure = failure ?? ended }
                guard failure == nil else { break }
                progress("\(what) of shard \(shard) of \(options.shards.count)")
                group.addTask {
                    do throws(ClientError) {
                        try await body(self, shard)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            for await ended in group { failure = failure ?? ended }
            return failure
        }
        if let failure { throw CheckFailure("\(failure)") }
    }

    private func readFiles(of shard: ShardID) async throws(ClientError) {
        var begin = InodeID.null
        repeat {
            let page = try await cluster.call(VisitFilesRequest(beginId: begin, mtu: 8972), shard: shard)
            for id in page.ids { try await read(id, of: shard) }
            begin = try next(page.nextId, after: begin)
        } while !begin.isNull
        repeat {
            let page = try await cluster.call(VisitTransientFilesRequest(beginId: begin, mtu: 0), shard: shard)
            for file in page.files { try await read(file.id, of: shard) }
            begin = try next(page.nextId, after: begin)
        } while !begin.isNull
    }

    private func readDirectories(of shard: ShardID) async throws(ClientError) {
        try await forEachDirectory(of: shard) { check, id throws(ClientError) in try await check.read(id, of: shard) }
    }

    func forEachDirectory(
        of shard: ShardID, _ body: (isolated LiveCheck, InodeID) async throws(ClientError) -> Void
    ) async throws(ClientError) {
        var begin = InodeID.null
        repeat {
            let page = try await cluster.call(VisitDirectoriesRequest(beginId: begin, mtu: 8972), shard: shard)
            for id in page.ids { try await body(self, id) }
            begin = try next(page.nextId, after: begin)
        } while !begin.isNull
    }

    private func next(_ id: InodeID, after begin: InodeID) throws(ClientError) -> InodeID {
        guard id.isNull || id > begin else {
            throw ClientError(.malformedAnswer, "a listing of a shard", "it does not advance")
        }
        return id
    }

    private func read(_ id: InodeID, of shard: ShardID) async throws(ClientError) {
        for finding in try await inspect(id, of: shard, into: table, counts: true) { suspect(finding, id) }
    }

    func suspect(_ finding: Finding, _ id: InodeID) {
        suspicions[Suspicion(rule: finding.rule, id: id)] = finding
    }

    /// Compares what was read of different inodes.
    private func compare(_ table: FactTable) throws(CheckFailure) {
        progress("comparing the shards")
        for (finding, id) in try Self.differences(in: table) { suspect(finding, id) }
    }

    static func differences(in table: FactTable) throws(CheckFailure) -> [(Finding, InodeID)] {
        var differences: [(Finding, InodeID)] = []
        try NamespaceMerge(unfinished: .init(), checksParents: false) { differences.append(($0, $1)) }.run(table)
        try BlockMerge { finding, files in
            for file in files { differences.append((finding, file)) }
        }.run(table)
        try ReferenceMerge { differences.append(($0, $1)) }.run(table)
        return differences
    }

    func count(_ fact: ShardFact) {
        switch fact {
        case .directory: summary.directories += 1
        case .file: summary.files += 1
        case .edge: summary.edges += 1
        case .block: summary.blocks += 1
        }
    }
}

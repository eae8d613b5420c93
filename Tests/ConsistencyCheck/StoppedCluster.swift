import ConsistencyCheck
import CoordinatorCore
import Glibc
import Protocol
import RegistryCore
import ReplicatedLog
import ShardCore
import Store
import TestShards
import TestSupport
import Testing

/// A sound cluster on disk, as stopped services leave it, with something of every kind in it.
final class StoppedCluster {
    let directory: TemporaryDirectory
    var path: String { directory.path }

    let emptyDirectory: InodeID
    let fullDirectory: InodeID
    let nestedDirectory: InodeID
    /// Removed, holds its policies, and has history.
    let removedDirectory: InodeID
    let emptyFile: InodeID
    let blockFile: InodeID
    let farFile: InodeID
    let unlinkedFile: InodeID
    let transientFile: InodeID
    /// Two files that refer to one body, the second of them to less of it.
    let sharedFile: InodeID
    let cutFile: InodeID
    let body: InodeID
    private(set) var parents: [InodeID: InodeID]

    /// - Parameter flushes: whether the state store has everything; otherwise half of it is only in the log.
    init(flushes: Bool = true) throws {
        directory = try TemporaryDirectory("check", inMemory: true)
        let cluster = try CheckedShards()
        emptyDirectory = try cluster.makeDirectory("empty", shard: 2)
        fullDirectory = try cluster.makeDirectory("full", shard: 1)
        removedDirectory = try cluster.makeDirectory("removed", shard: 2)
        let removedFile = try cluster.makeFile("inside", in: removedDirectory)
        try cluster.unlink("inside", removedFile, in: removedDirectory)
        let flushed = flushes ? nil : Self.contents(cluster.store)
        nestedDirectory = try cluster.makeDirectory("nested", in: fullDirectory, shard: 0)
        emptyFile = try cluster.makeFile("nothing", in: fullDirectory)
        blockFile = try cluster.makeFile("blocks", spans: 2)
        farFile = try cluster.makeFile("far", spans: 1)
        try cluster.rename("far", farFile, from: .root, to: fullDirectory)
        unlinkedFile = try cluster.makeFile("unlinked")
        try cluster.unlink("unlinked", unlinkedFile)
        let transient = try cluster.construct(0)
        transientFile = transient.id
        try cluster.addSpan(transient, at: 0)
        try cluster.addSpan(transient, at: 8192, certifies: false)
        sharedFile = try cluster.makeFile("shared", spans: 2)
        (cutFile, body) = try cluster.makeCutCopy("cut", of: sharedFile)
        try cluster.removeDirectory("removed", removedDirectory)
        parents = cluster.parents
        try write(cluster, flushed)
    }

    // MARK: Writing

    private static func contents(_ store: any OrderedStore) -> WriteBatch {
        var batch = WriteBatch()
        let iterator = store.iterator(from: [], upTo: nil)
        iterator.seekToFirst()
        while iterator.isValid {
            batch.put(iterator.key, iterator.value)
            iterator.next()
        }
        return batch
    }

    private func write(_ cluster: CheckedShards, _ flushed: WriteBatch?) throws {
        for name in ["shard", "cdc", "registry"] { mkdir(path + "/" + name, 0o700) }
        try change("shard") { try $0.write(flushed ?? Self.contents(cluster.store), durable: false) }
        let entries = cluster.log.map { (LogGroupID(rawValue: UInt32($0.shard.rawValue)), $0.index, $0.bytes) }
        try appendLog("shard", entries)
        try writeRegistry()
        try appendCoordinator(
            parents.sorted { $0.key < $1.key }.map { .directoryMade($0.key, owner: $0.value, nil) })
    }

    func appendLog(_ service: String, _ entries: [(LogGroupID, LogIndex, [UInt8])]) throws {
        var options = LogStoreOptions()
        options.segmentBytes = 256 << 10
        let log = try SegmentedLogStore(directory: "\(path)/\(service)/log", options: options)
        for (group, index, bytes) in entries {
            var batch = LogBatch()
            batch.append(LogEntry(index: index, bytes: bytes), of: group)
            try log.write([batch])
        }
        try log.sync()
    }

    /// Lets the coordinator's log say something more. Its state store stays behind.
    func appendCoordinator(_ records: [CoordinatorCore.LogRecord]) throws {
        try change("cdc") { _ in }
        let time = Timestamp(nanoseconds: 1)
        let bytes = try CoordinatorCore.LogEntry(time: time, records: records).encoded()
        coordinatorEntries += 1
        try appendLog("cdc", [(LogGroupID(rawValue: 0), LogIndex(rawValue: coordinatorEntries), bytes)])
    }

    private var coordinatorEntries: UInt64 = 0

    private func writeRegistry() throws {
        var entries: [(LogGroupID, LogIndex, [UInt8])] = []
        try change("registry") { store in
            let core = try RegistryCore(store: store, prefix: [], configuration: RegistryConfiguration())
            let disks = (0..<CheckedDisks.count).map { index in
                RegisterBlockServiceInfo(
                    id: TestDisks.id(index), locationId: .default, addrs: CheckedDisks.addrs, storageClass: .flash,
                    failureDomain: CheckedDisks.domain(index), secretKey: TestDisks.key(index), flags: [],
                    flagsMask: 0, capacityBytes: 1 << 40, availableBytes: 1 << 40, blocks: 0,
                    path: Array("/disk\(index)".utf8))
            }
            let request = AnyRegistryRequest.registerBlockServices(RegisterBlockServicesRequest(blockServices: disks))
            for entry in try core.prepare(request, at: Timestamp(nanoseconds: 1_700_000_000_000_000_000)) {
                let index = core.appliedIndex.next
                entries.append((LogGroupID(rawValue: 0), index, entry))
                _ = try core.apply(entry, at: index)
            }
        }
        try appendLog("registry", entries)
    }

    /// Opens a service's state store for writing.
    func change(_ service: String, _ body: (RocksStore) throws -> Void) throws {
        let options = RocksOptions(writeAheadLog: false, memoryBudgetBytes: 4 << 20)
        let store = try RocksStore(directory: "\(path)/\(service)/state", options: options)
        try body(store)
        try store.close()
    }

    func damage(_ body: (Damage) throws -> Void) throws {
        try change("shard") { try body(Damage(store: $0)) }
    }

    // MARK: Checking

    struct Outcome {
        var findings: [Finding]
        var summary: CheckSummary

        /// The rules that were found damaged.
        var rules: Set<String> { Set(findings.filter { $0.severity == .damage }.map(\.rule)) }
        func rules(_ severity: Finding.Severity) -> Set<String> {
            Set(findings.filter { $0.severity == severity }.map(\.rule))
        }
    }

    func check(blocks: Bool = false) throws -> Outcome {
        var findings: [Finding] = []
        let report = CheckReport { findings.append($0) }
        let facts = try TemporaryFacts(in: path, memoryBytes: 4 << 20)
        try withExtendedLifetime(facts) {
            try OfflineCheck(directory: path, checksBlocks: blocks, facts: facts, report: report).run()
        }
        return Outcome(findings: findings, summary: report.summary)
    }
}

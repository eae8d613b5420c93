import ConsistencyCheck
import CoordinatorCore
import Protocol
import ShardCore
import Store
import Testing

/// What several shards, or a shard and the coordinator, have to agree on is damaged by hand.
@Suite(.timeLimit(.minutes(3)))
struct ClusterRuleTests {
    private func expect(
        _ rules: Set<String>, _ body: (StoppedCluster, Damage) throws -> Void,
        coordinator: (StoppedCluster) -> [CoordinatorCore.LogRecord] = { _ in [] }
    ) throws {
        let cluster = try StoppedCluster()
        try cluster.damage { try body(cluster, $0) }
        let records = coordinator(cluster)
        if !records.isEmpty { try cluster.appendCoordinator(records) }
        let outcome = try cluster.check()
        #expect(outcome.rules == rules, "\(outcome.findings)")
        #expect(outcome.rules(.unfinished).isEmpty, "\(outcome.findings)")
    }

    private func forget(_ directory: InodeID) -> CoordinatorCore.LogRecord {
        .finish(TransactionID(rawValue: 1), [.remove(directory)], nil)
    }

    private func move(_ directory: InodeID, to owner: InodeID) -> CoordinatorCore.LogRecord {
        .finish(TransactionID(rawValue: 1), [.set(directory, owner: owner)], nil)
    }

    @Test("a sound cluster has no finding", arguments: [true, false]) func sound(flushes: Bool) throws {
        let outcome = try StoppedCluster(flushes: flushes).check()
        #expect(outcome.findings.isEmpty, "\(outcome.findings)")
        #expect(outcome.summary.exitCode == 0)
        #expect(outcome.summary.directories == 5 && outcome.summary.files == 9)
        #expect(outcome.summary.blocks == 3 * 7)
    }

    @Test func x1() throws {
        try expect(["X1"], { _, damage in try damage.removeEdge("empty", in: .root) })
        try expect(["X1"], { cluster, damage in
            // Under a name, but not where its owner says.
            try damage.removeEdge("empty", in: .root)
            try damage.addEdge("empty", to: cluster.emptyDirectory, in: cluster.fullDirectory)
        })
        try expect(["X1"], { cluster, damage in
            try damage.addEdge("empty", to: cluster.emptyDirectory, in: cluster.fullDirectory)
        })
    }

    @Test func x2() throws {
        try expect(["X2"], { cluster, damage in
            try damage.delete(Records(cluster.emptyDirectory).directory(cluster.emptyDirectory))
        }, coordinator: { [forget($0.emptyDirectory)] })
        try expect(["X2"], { cluster, damage in try damage.addEdge("back", to: cluster.removedDirectory, in: .root) })
    }

    @Test func x3() throws {
        try expect(["X3"], { _, damage in try damage.removeEdge("blocks", in: .root) })
        try expect(["X3"], { cluster, damage in
            try damage.addEdge("again", to: cluster.blockFile, in: cluster.fullDirectory)
        })
    }

    @Test func x4() throws {
        try expect(["X4"], { _, damage in
            let missing = InodeID(type: .file, shard: ShardID(rawValue: 2), index: 4000)
            try damage.addEdge("nowhere", to: missing, in: .root)
        })
        try expect(["X4"], { cluster, damage in
            try damage.addEdge("draft", to: cluster.transientFile, in: cluster.fullDirectory)
        })
    }

    @Test func x5() throws {
        try expect(["X5"], { cluster, damage in
            try damage.removeEdge("full", in: .root)
            try damage.addEdge("full", to: cluster.fullDirectory, in: cluster.nestedDirectory)
            let key = Records(cluster.fullDirectory).directory(cluster.fullDirectory)
            try damage.change(key, as: DirectoryRecord.self) { $0.owner = cluster.nestedDirectory }
        }, coordinator: { [move($0.fullDirectory, to: $0.nestedDirectory)] })
    }

    @Test func x6() throws {
        try expect(["X6"], { _, _ in }, coordinator: { [forget($0.emptyDirectory)] })
        try expect(["X6"], { _, _ in }, coordinator: { [move($0.emptyDirectory, to: $0.fullDirectory)] })
        try expect(["X6"], { _, _ in }, coordinator: { [move($0.removedDirectory, to: .root)] })
    }

    private func lock(_ name: String, _ damage: Damage) throws {
        try damage.change(Records(.root).currentEdge(.root, name), as: CurrentEdgeRecord.self) {
            $0 = CurrentEdgeRecord(target: $0.target.id, isLocked: true, creationTime: $0.creationTime)
        }
    }

    @Test func x7() throws {
        try expect(["X7"], { _, damage in try lock("blocks", damage) })
        try expect(["X7"], { _, damage in try lock("empty", damage) })
    }

    @Test("X8; the shard that did not give the block out breaks S20 as well") func x8() throws {
        try expect(["X8", "S20"], { cluster, damage in
            let original: SpanRecord = try damage.get(Records(cluster.blockFile).span(cluster.blockFile))
            // A file of another shard with the same block.
            let id = cluster.emptyFile
            let block = try #require(original.allBlocks.first)
            let location = SpanLocation(
                location: .default, storageClass: .flash, parity: Parity(data: 1, parity: 0), stripes: 1,
                cellSize: 4096, blocks: [block], stripeCRCs: [block.crc])
            try damage.put(
                Records(id).span(id), SpanRecord(size: 4096, crc: block.crc, content: .blocks([location])))
            try damage.put(Records(id).index(block.service, id), [])
            try damage.change(Records(id).file(id), as: FileRecord.self) { $0.size = 4096 }
        })
    }

    @Test func x9() throws {
        try expect(["X9"], { cluster, damage in
            let key = Records(cluster.removedDirectory).directory(cluster.removedDirectory)
            try damage.change(key, as: DirectoryRecord.self) { $0.info = try DirectoryInfo(entries: []).encoded() }
        })
    }

    @Test("what a begun transaction explains is not damage") func unfinished() throws {
        let cluster = try StoppedCluster()
        try cluster.damage { try lock("blocks", $0) }
        let request = RenameFileRequest(
            targetId: cluster.blockFile, oldOwnerId: .root, oldName: Array("blocks".utf8),
            oldCreationTime: .zero, newOwnerId: cluster.fullDirectory, newName: Array("moved".utf8))
        let origin = RequestOrigin(source: 1, requestID: 2)
        try cluster.appendCoordinator([
            .begin(TransactionID(rawValue: 9), origin: origin, request: .renameFile(request), directory: .null)
        ])
        let outcome = try cluster.check()
        #expect(outcome.rules.isEmpty, "\(outcome.findings)")
        #expect(outcome.rules(.unfinished) == ["X7", "K"])
        #expect(outcome.summary.exitCode == 0)
        #expect(outcome.findings.allSatisfy { $0.repair.contains("start the cluster") })
    }

    @Test("a directory id in doubt explains a directory without a name") func reserved() throws {
        let cluster = try StoppedCluster()
        let id = InodeID(rawValue: InodeID.root.rawValue + 2)
        try cluster.damage { damage in
            let record = DirectoryRecord(owner: .root, mtime: .zero, currentEdges: 0, snapshotEdges: 0,
                info: try DirectoryInfo(entries: []).encoded())
            try damage.put(Records(id).directory(id), record)
        }
        #expect(try cluster.check().rules == ["X1", "X6"])
        try cluster.appendCoordinator([.reserveDirectories(through: InodeID(rawValue: InodeID.root.rawValue + 8))])
        let outcome = try cluster.check()
        #expect(outcome.rules.isEmpty, "\(outcome.findings)")
        #expect(outcome.rules(.unfinished) == ["X1", "X6"])
    }
}

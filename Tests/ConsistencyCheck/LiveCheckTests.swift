import ConsistencyCheck
import Protocol
import ShardCore
import Store
import Synchronization
import TestShards
import TestSupport
import Testing

/// The check of a running cluster, against cores that answer from memory.
@Suite(.timeLimit(.minutes(3)))
struct LiveCheckTests {
    /// The same things as in `StoppedCluster`, in memory.
    private final class Scene {
        let cluster: CheckedShards
        let empty, full, nested, removed, file, nothing, far, transient, shared, cut, body: InodeID

        init() throws {
            cluster = try CheckedShards()
            empty = try cluster.makeDirectory("empty", shard: 2)
            full = try cluster.makeDirectory("full", shard: 1)
            removed = try cluster.makeDirectory("removed", shard: 2)
            nested = try cluster.makeDirectory("nested", in: full, shard: 0)
            nothing = try cluster.makeFile("nothing", in: full)
            file = try cluster.makeFile("blocks", spans: 2)
            far = try cluster.makeFile("far", spans: 1)
            try cluster.rename("far", far, from: .root, to: full)
            let open = try cluster.construct(0)
            transient = open.id
            try cluster.addSpan(open, at: 0)
            shared = try cluster.makeFile("shared", spans: 2)
            (cut, body) = try cluster.makeCutCopy("cut", of: shared)
            try cluster.removeDirectory("removed", removed)
            _ = try cluster.edit("edited", try cluster.makeFile("edited", spans: 2))
        }

        var damage: Damage { Damage(store: cluster.store) }
    }

    private static let stray = BlockServiceID(rawValue: 77)

    private func check(
        _ cluster: FakeCluster, blocks: Bool = false, directories: Int = 5
    ) async throws -> [Finding] {
        let directory = try TemporaryDirectory("check", inMemory: true)
        let facts = try TemporaryFacts(in: directory.path, memoryBytes: 4 << 20)
        var options = LiveCheck.Options()
        options.shards = CheckedShards.shards
        options.checksBlocks = blocks
        options.failureDomains = [Self.stray: .none]
        for index in 0..<CheckedDisks.count {
            options.failureDomains[TestDisks.id(index)] = CheckedDisks.domain(index)
        }
        options.pauseNanoseconds = FakeCluster.pauseNanoseconds
        let findings = Mutex<[Finding]>([])
        let check = LiveCheck(cluster: cluster, options: options, facts: facts) { finding in
            findings.withLock { $0.append(finding) }
        }
        let summary = try await check.run()
        #expect(summary.directories == directories && summary.files >= 3)
        return findings.withLock { $0 }
    }

    private func expect(
        _ rules: Set<String>, directories: Int = 5, _ damage: (Scene, Damage) throws -> Void
    ) async throws {
        let scene = try Scene()
        try damage(scene, scene.damage)
        let findings = try await check(FakeCluster(scene.cluster.store), directories: directories)
        #expect(Set(findings.map(\.rule)) == rules, "\(findings)")
    }

    @Test func soundClusterNeedsNoSecondLook() async throws {
        let scene = try Scene()
        let cluster = try FakeCluster(scene.cluster.store)
        let findings = try await check(cluster, blocks: true)
        #expect(findings.isEmpty, "\(findings)")
        #expect(await cluster.pauses == 0)
    }

    @Test func rulesOfOneInode() async throws {
        try await expect(["S5"]) { scene, damage in
            try damage.change(Records(scene.full).directory(scene.full), as: DirectoryRecord.self) {
                $0.mtime = Timestamp(nanoseconds: 1)
            }
        }
        try await expect(["S13"]) { scene, damage in
            try damage.change(Records(scene.file).file(scene.file), as: FileRecord.self) { $0.size += 1 }
        }
        try await expect(["S17"]) { scene, damage in
            try damage.change(Records(scene.file).span(scene.file), as: SpanRecord.self) { span in
                var location = span.locations[0]
                location.storageClass = .inline
                span.content = .blocks([location])
            }
        }
        try await expect(["D"]) { scene, damage in
            try damage.put(Records(scene.file).span(scene.file), [9])
        }
    }

    @Test func sharedSpans() async throws {
        try await expect(["S26"]) { scene, damage in try damage.addEdge("body", to: scene.body, in: .root) }
        // What does not refer to it must not have its blocks.
        try await expect(["S20", "S19"]) { scene, damage in
            let span: SpanRecord = try damage.get(Records(scene.body).span(scene.body))
            let keys = Records(scene.file)
            let before: SpanRecord = try damage.get(keys.span(scene.file))
            try damage.put(keys.span(scene.file), span)
            for block in before.allBlocks { try damage.delete(keys.index(block.service, scene.file)) }
        }
    }

    /// They are told, and what else is wrong is found all the same.
    @Test func recordsThatCannotBeRead() async throws {
        let otherwise: (Scene, Damage) throws -> Void = { scene, damage in
            try damage.change(Records(scene.file).file(scene.file), as: FileRecord.self) { $0.size += 1 }
        }
        try await expect(["D", "S13"], directories: 4) { scene, damage in
            try damage.put(Records(scene.nested).directory(scene.nested), [9])
            try otherwise(scene, damage)
        }
        try await expect(["D", "S13", "X1", "X3"], directories: 4) { scene, damage in
            try damage.put(Records(scene.full).currentEdge(scene.full, "far"), [9])
            try otherwise(scene, damage)
        }
    }

    @Test func listsOfBlockServices() async throws {
        try await expect(["S19"]) { scene, damage in
            let span: SpanRecord = try damage.get(Records(scene.far).span(scene.far))
            try damage.delete(Records(scene.far).index(span.locations[0].blocks[1].service, scene.far))
        }
        try await expect(["S19"]) { scene, damage in
            try damage.put(Records(scene.file).index(Self.stray, scene.file), [])
        }
        // A record that cannot be read is told, and does not keep the rest from being.
        try await expect(["D", "S13"]) { scene, damage in
            try damage.put(Records(scene.file).index(Self.stray, scene.file) + [0], [])
            try damage.change(Records(scene.far).file(scene.far), as: FileRecord.self) { $0.size += 1 }
        }
        // Of a file that is gone.
        try await expect(["S19"]) { _, damage in
            let gone = InodeID(type: .file, shard: ShardID(rawValue: 1), index: 1)
            try damage.put(Records(gone).index(Self.stray, gone), [])
        }
    }

    /// A block that moves while the lists are read.
    @Test func aListThatIsRightAgainIsNoFinding() async throws {
        let scene = try Scene()
        let key = Records(scene.file).index(Self.stray, scene.file)
        try scene.damage.put(key, [])
        let cluster = try FakeCluster(scene.cluster.store) { try Damage(store: $0).delete(key) }
        #expect(try await check(cluster).isEmpty)
        #expect(await cluster.pauses == 1)
    }

    @Test func rulesBetweenInodes() async throws {
        try await expect(["X1"]) { _, damage in try damage.removeEdge("empty", in: .root) }
        try await expect(["X2"]) { scene, damage in try damage.addEdge("back", to: scene.removed, in: .root) }
        try await expect(["X3"]) { _, damage in try damage.removeEdge("blocks", in: .root) }
        try await expect(["X4"]) { scene, damage in try damage.addEdge("draft", to: scene.transient, in: scene.full) }
        try await expect(["S11"]) { scene, damage in try damage.addEdge("again", to: scene.file, in: .root) }
        try await expect(["S12"]) { scene, damage in try damage.addEdge("draft", to: scene.transient, in: .root) }
        try await expect(["X7"]) { _, damage in
            try damage.change(Records(.root).currentEdge(.root, "blocks"), as: CurrentEdgeRecord.self) {
                $0 = CurrentEdgeRecord(target: $0.target.id, isLocked: true, creationTime: $0.creationTime)
            }
        }
        try await expect(["X9"]) { scene, damage in
            try damage.change(Records(scene.removed).directory(scene.removed), as: DirectoryRecord.self) {
                $0.info = try DirectoryInfo(entries: []).encoded()
            }
        }
    }

    @Test func circleOfOwners() async throws {
        try await expect(["X5"]) { scene, damage in
            try damage.removeEdge("full", in: .root)
            try damage.addEdge("full", to: scene.full, in: scene.nested)
            try damage.change(Records(scene.full).directory(scene.full), as: DirectoryRecord.self) {
                $0.owner = scene.nested
            }
        }
    }

    @Test("the same block in two files") func sharedBlock() async throws {
        try await expect(["S20"]) { scene, damage in
            let other: SpanRecord = try damage.get(Records(scene.file).span(scene.file, 8192))
            try damage.change(Records(scene.file).span(scene.file), as: SpanRecord.self) { span in
                var location = span.locations[0]
                location.blocks[0].id = other.locations[0].blocks[0].id
                span.content = .blocks([location])
            }
        }
    }

    @Test("what a transaction leaves for a moment is not reported") func passingDeviation() async throws {
        let scene = try Scene()
        let before = try #require(try scene.cluster.store.get(Records(.root).currentEdge(.root, "empty")))
        let count = try #require(try scene.cluster.store.get(Records(.root).directory(.root)))
        try scene.damage.removeEdge("empty", in: .root)
        let cluster = try FakeCluster(scene.cluster.store) { store in
            try Damage(store: store).put(Records(.root).currentEdge(.root, "empty"), before)
            try Damage(store: store).put(Records(.root).directory(.root), count)
        }
        let findings = try await check(cluster)
        #expect(findings.isEmpty, "\(findings)")
        #expect(await cluster.pauses == 1)
    }

    @Test("a file moved from a directory not read yet to one that was is searched for") func movedFile() async throws {
        let scene = try Scene()
        let cluster = try FakeCluster(scene.cluster.store, hiding: (scene.full, Array("far".utf8)))
        let findings = try await check(cluster)
        #expect(findings.isEmpty, "\(findings)")
        #expect(await cluster.pauses == 1)
    }

    @Test func lostBlock() async throws {
        let scene = try Scene()
        let span: SpanRecord = try scene.damage.get(Records(scene.file).span(scene.file))
        let cluster = try FakeCluster(scene.cluster.store, losing: span.allBlocks[0].service)
        let findings = try await check(cluster, blocks: true)
        #expect(Set(findings.map(\.rule)) == ["B"], "\(findings)")
    }
}

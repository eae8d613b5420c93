import Protocol
import ShardCore
import Store
import Testing

/// A record of one shard is damaged by hand: exactly the rule that it breaks is reported. S15 has no test: a linked
/// file has no span state that could be wrong.
@Suite(.timeLimit(.minutes(3)))
struct ShardRuleTests {
    private func expect(_ rule: String, _ body: (StoppedCluster, Damage) throws -> Void) throws {
        let cluster = try StoppedCluster()
        try cluster.damage { try body(cluster, $0) }
        let outcome = try cluster.check()
        #expect(outcome.rules == [rule], "\(outcome.findings)")
        #expect(outcome.rules(.unfinished).isEmpty, "\(outcome.findings)")
        #expect(outcome.summary.exitCode == 1)
        #expect(outcome.findings.allSatisfy { !$0.repair.isEmpty && !$0.place.isEmpty })
    }

    @Test func s1() throws {
        try expect("S1") { _, damage in
            let stranger = InodeID(type: .directory, shard: ShardID(rawValue: 2), index: 9999)
            let record = DirectoryRecord(
                owner: .null, mtime: .zero, currentEdges: 0, snapshotEdges: 0,
                info: try DirectoryInfo.sternaRootDefault().encoded())
            try damage.put(Records(shard: 1).directory(stranger), record)
        }
    }

    @Test func s2() throws {
        try expect("S2") { cluster, damage in
            let id = cluster.emptyFile
            let record = TransientFileRecord(size: 0, mtime: .zero, deadline: .zero, lastSpanState: .clean, note: [])
            try damage.put(Records(id).transientFile(id), record)
        }
    }

    @Test func s3() throws {
        try expect("S3") { cluster, damage in try damage.count(cluster.fullDirectory, current: 1) }
        try expect("S3") { _, damage in
            // The history of a directory that is not there.
            let missing = InodeID(type: .directory, shard: ShardID(rawValue: 1), index: 7777)
            let key = Records(missing).snapshotEdge(missing, "x", Timestamp(nanoseconds: 5))
            try damage.put(key, SnapshotEdgeRecord(target: .root, isOwned: false))
        }
    }

    @Test func s4() throws {
        try expect("S4") { cluster, damage in
            let keys = Records(cluster.fullDirectory)
            let edge: CurrentEdgeRecord = try damage.get(keys.currentEdge(cluster.fullDirectory, "nothing"))
            try damage.delete(keys.currentEdge(cluster.fullDirectory, "nothing"))
            try damage.put(keys.currentEdge(cluster.fullDirectory, "nothing", hash: 12345), edge)
        }
    }

    @Test func s5() throws {
        try expect("S5") { cluster, damage in
            let key = Records(cluster.fullDirectory).directory(cluster.fullDirectory)
            try damage.change(key, as: DirectoryRecord.self) { $0.mtime = Timestamp(nanoseconds: 1) }
        }
    }

    @Test func s6() throws {
        try expect("S6") { cluster, damage in
            try damage.removeEdge("blocks", in: .root)
            try damage.addEdge("blocks", to: cluster.blockFile, in: cluster.removedDirectory)
        }
    }

    @Test func s7() throws {
        try expect("S7") { cluster, damage in
            // A name that exists now and has a newer history.
            let root: DirectoryRecord = try damage.get(Records(.root).directory(.root))
            let key = Records(.root).snapshotEdge(.root, "blocks", root.mtime)
            try damage.put(key, SnapshotEdgeRecord(target: cluster.emptyFile, isOwned: false))
            try damage.count(.root, snapshot: 1)
        }
    }

    @Test("S8 and S9 are tolerated: the collector takes histories away piece by piece") func s8s9() throws {
        for (rule, times) in [("S8", [1, 2, 3]), ("S9", [2])] as [(String, [UInt64])] {
            let cluster = try StoppedCluster()
            try cluster.damage { damage in
                for time in times {
                    let key = Records(.root).snapshotEdge(.root, "past", Timestamp(nanoseconds: time))
                    let first = SnapshotEdgeRecord(target: cluster.emptyFile, isOwned: false)
                    try damage.put(key, time == 1 ? first : .deletionMarker)
                    try damage.count(.root, snapshot: 1)
                }
            }
            let outcome = try cluster.check()
            #expect(outcome.rules(.notice) == [rule], "\(outcome.findings)")
            #expect(outcome.rules.isEmpty && outcome.summary.exitCode == 0)
        }
    }

    @Test func s10() throws {
        try expect("S10") { cluster, damage in
            let key = Records(.root).snapshotEdge(.root, "past", Timestamp(nanoseconds: 1))
            try damage.put(key, SnapshotEdgeRecord(target: cluster.fullDirectory, isOwned: true))
            try damage.count(.root, snapshot: 1)
        }
    }

    @Test func s11() throws {
        try expect("S11") { cluster, damage in try damage.addEdge("again", to: cluster.blockFile, in: .root) }
        try expect("S11") { cluster, damage in
            let key = Records(.root).snapshotEdge(.root, "past", Timestamp(nanoseconds: 1))
            try damage.put(key, SnapshotEdgeRecord(target: cluster.blockFile, isOwned: true))
            try damage.count(.root, snapshot: 1)
        }
    }

    @Test func s12() throws {
        try expect("S12") { cluster, damage in
            try damage.delete(Records(cluster.emptyFile).file(cluster.emptyFile))
        }
        try expect("S12") { cluster, damage in
            try damage.addEdge("draft", to: cluster.transientFile, in: .root)
        }
    }

    @Test func s13() throws {
        try expect("S13") { cluster, damage in
            let key = Records(cluster.blockFile).file(cluster.blockFile)
            try damage.change(key, as: FileRecord.self) { $0.size += 1 }
        }
        try expect("S13") { cluster, damage in
            let keys = Records(cluster.blockFile)
            let span: SpanRecord = try damage.get(keys.span(cluster.blockFile))
            try damage.delete(keys.span(cluster.blockFile))
            for block in span.allBlocks { try damage.delete(keys.index(block.service, cluster.blockFile)) }
        }
    }

    @Test func s14() throws {
        try expect("S14") { cluster, damage in
            // Between two files that are there.
            let id = InodeID(rawValue: cluster.blockFile.rawValue - 256 * (cluster.blockFile.index))
            let span = SpanRecord(size: 5, crc: .zero, content: .inline([1, 2, 3, 4, 5]))
            try damage.put(Records(id).span(id), span)
        }
    }

    @Test func s16() throws {
        try expect("S16") { cluster, damage in
            let keys = Records(cluster.transientFile)
            for offset in [0, 8192] as [UInt64] {
                let span: SpanRecord = try damage.get(keys.span(cluster.transientFile, offset))
                try damage.delete(keys.span(cluster.transientFile, offset))
                for block in span.allBlocks {
                    try damage.delete(keys.index(block.service, cluster.transientFile, offset))
                }
            }
            try damage.change(keys.transientFile(cluster.transientFile), as: TransientFileRecord.self) { $0.size = 0 }
        }
    }

    private func changeSpan(
        _ cluster: StoppedCluster, _ damage: Damage, _ body: (inout SpanLocation) -> Void
    ) throws {
        let key = Records(cluster.blockFile).span(cluster.blockFile)
        try damage.change(key, as: SpanRecord.self) { span in
            var location = span.locations[0]
            body(&location)
            span.content = .blocks([location])
        }
    }

    @Test func s17() throws {
        try expect("S17") { cluster, damage in try changeSpan(cluster, damage) { $0.cellSize = 4097 } }
        try expect("S17") { cluster, damage in try changeSpan(cluster, damage) { $0.storageClass = .inline } }
    }

    @Test func s18() throws {
        try expect("S18") { cluster, damage in
            let before: SpanRecord = try damage.get(Records(cluster.blockFile).span(cluster.blockFile))
            try changeSpan(cluster, damage) { $0.blocks[1].service = $0.blocks[0].service }
            let gone = before.locations[0].blocks[1].service
            try damage.delete(Records(cluster.blockFile).index(gone, cluster.blockFile))
        }
    }

    @Test func s19() throws {
        try expect("S19") { cluster, damage in
            let span: SpanRecord = try damage.get(Records(cluster.blockFile).span(cluster.blockFile))
            let service = span.locations[0].blocks[1].service
            try damage.delete(Records(cluster.blockFile).index(service, cluster.blockFile))
        }
        try expect("S19") { cluster, damage in
            let stray = BlockServiceID(rawValue: 77)
            try damage.put(Records(cluster.blockFile).index(stray, cluster.blockFile), [])
        }
    }

    @Test func s20() throws {
        try expect("S20") { cluster, damage in
            try changeSpan(cluster, damage) { $0.blocks[0].id = BlockID(rawValue: $0.blocks[0].id.rawValue | 1 << 62) }
        }
        try expect("S20") { cluster, damage in
            let other: SpanRecord = try damage.get(Records(cluster.blockFile).span(cluster.blockFile, 8192))
            try changeSpan(cluster, damage) { $0.blocks[0].id = other.locations[0].blocks[0].id }
        }
    }

    @Test func s21() throws {
        try expect("S21") { _, damage in
            let id = InodeID(type: .file, shard: ShardID(rawValue: 0), index: 1 << 40)
            let record = TransientFileRecord(size: 0, mtime: .zero, deadline: .zero, lastSpanState: .clean, note: [])
            try damage.put(Records(id).transientFile(id), record)
        }
    }

    @Test("a number that leads to no version, and a superseded version that is not as it was") func n() throws {
        try expect("N") { cluster, damage in
            let key = Records(cluster.emptyFile).newestVersion(InodeID(rawValue: cluster.emptyFile.rawValue + 0x100))
            try damage.put(key, NumberRecord(newest: cluster.emptyFile))
        }
        try expect("N") { cluster, damage in
            let key = Records(cluster.transientFile).transientFile(cluster.transientFile)
            try damage.change(key, as: TransientFileRecord.self) {
                $0.fate = .superseded(FileRecord(size: $0.size + 1, mtime: .zero, atime: .zero))
            }
        }
    }

    @Test func s23() throws {
        try expect("S23") { cluster, damage in
            let keys = Records(cluster.cutFile)
            try damage.change(keys.span(cluster.cutFile), as: SpanReference.self) { $0.length = 8192 }
            try damage.change(keys.file(cluster.cutFile), as: FileRecord.self) { $0.size = 8192 }
        }
    }

    @Test func s24() throws {
        for count in [1, 3] as [UInt32] {
            try expect("S24") { cluster, damage in
                let record = BodyRecord(runs: [BodyRecord.Run(end: 16384, count: count)], spanCount: 2)
                try damage.put(Records(cluster.body).body(cluster.body), record)
            }
        }
    }

    @Test func s25() throws {
        try expect("S25") { cluster, damage in
            try damage.change(Records(cluster.body).body(cluster.body), as: BodyRecord.self) { $0.spanCount = 3 }
        }
        try expect("S25") { cluster, damage in
            try damage.change(Records(cluster.body).body(cluster.body), as: BodyRecord.self) { $0.holes = 1 << 40 }
        }
        try expect("S25") { cluster, damage in
            let key = Records(cluster.body).span(cluster.body, 8192)
            let span: SpanRecord = try damage.get(key)
            try damage.put(key, SpanRecord(size: span.size, crc: .zero, content: .inline([1])))
            for block in span.allBlocks {
                try damage.delete(Records(cluster.body).index(block.service, cluster.body, 8192))
            }
        }
    }

    @Test func s26() throws {
        try expect("S26") { cluster, damage in try damage.addEdge("body", to: cluster.body, in: .root) }
    }

    @Test func a() throws {
        // Attributes of an inode that knows of none.
        for id in [\StoppedCluster.emptyFile, \.fullDirectory] {
            try expect("A") { cluster, damage in
                let (id, list) = (cluster[keyPath: id], [ExtendedAttribute(name: [97], value: [1])])
                try damage.put(Records(id).extended(id), ExtendedRecord(list))
            }
        }
        // An ownership that is not in the list, and one that is there twice.
        try expect("A") { cluster, damage in
            let key = Records(cluster.emptyFile).file(cluster.emptyFile)
            try damage.change(key, as: FileRecord.self) { $0.attributes.ownership = .listed(7) }
        }
        try expect("A") { _, damage in
            let record = OwnershipRecord(InodeOwnership(mode: 0o600, uid: 1, gid: 2))
            try damage.put(Records(shard: 1).ownership(0), record)
        }
        try expect("A") { _, damage in
            let ownership = InodeOwnership(mode: 0o600, uid: 1, gid: 2)
            try damage.put(Records(shard: 1).ownershipNumber(ownership), OwnershipNumberRecord(0))
        }
        // A special file that is not empty, and a directory whose times are from the future.
        try expect("A") { cluster, damage in
            let key = Records(cluster.cutFile).file(cluster.cutFile)
            try damage.change(key, as: FileRecord.self) { $0.attributes.special = .init(kind: .fifo, device: 0) }
        }
        try expect("A") { cluster, damage in
            let key = Records(cluster.fullDirectory).directory(cluster.fullDirectory)
            try damage.change(key, as: DirectoryRecord.self) {
                $0.attributes.times = .init(version: Timestamp(nanoseconds: .max), modified: .zero, accessed: .zero)
            }
        }
    }

    @Test("a record that cannot be decoded is a finding, and the others are checked all the same") func d() throws {
        try expect("D") { _, damage in
            let id = InodeID(type: .file, shard: ShardID(rawValue: 2), index: 1)
            try damage.put(Records(id).transientFile(id), [9, 9, 9])
        }
    }
}

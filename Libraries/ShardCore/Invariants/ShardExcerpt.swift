import Protocol
import Store

/// Records of a shard that were put together from its answers, so that the rules of `ShardChecker` hold over a running
/// cluster as well. What answers do not show (ids given out, the index of files by block service, the span state of
/// transient files) is filled in so that it breaks no rule.
package struct ShardExcerpt {
    private let shard: ShardID
    private let keys: ShardKeys
    private var batch = WriteBatch()

    package init(_ shard: ShardID) {
        self.shard = shard
        keys = ShardKeys(shard: shard)
    }

    package mutating func addFile(
        _ id: InodeID, size: UInt64, isLinked: Bool, spans: [(byteOffset: UInt64, record: SpanRecord)]
    ) throws(EncodeError) {
        if isLinked {
            batch.put(keys.file(id), try FileRecord(size: size, mtime: .zero, atime: .zero).encoded())
        } else {
            let record = TransientFileRecord(
                size: size, mtime: .zero, deadline: .zero, lastSpanState: .clean, note: [])
            batch.put(keys.transientFile(id), try record.encoded())
        }
        for (byteOffset, record) in spans {
            batch.put(keys.span(id, byteOffset), try record.encoded())
            for block in record.allBlocks { batch.put(keys.blockServiceFile(block.service, id, byteOffset), []) }
        }
    }

    package mutating func addDirectory(
        _ id: InodeID, owner: InodeID, mtime: Timestamp, info: DirectoryInfo, edges: [Edge]
    ) throws(EncodeError) {
        let current = edges.count { $0.current }
        let record = DirectoryRecord(
            owner: owner, mtime: mtime, currentEdges: UInt64(current), snapshotEdges: UInt64(edges.count - current),
            info: try info.encoded())
        batch.put(keys.directory(id), try record.encoded())
        for edge in edges {
            if edge.current {
                let record = CurrentEdgeRecord(
                    target: edge.targetId.id, isLocked: edge.targetId.flag, creationTime: edge.creationTime)
                batch.put(keys.edge(id, current: true, edge.nameHash, edge.name), try record.encoded())
            } else {
                let record = SnapshotEdgeRecord(target: edge.targetId.id, isOwned: edge.targetId.flag)
                batch.put(
                    keys.snapshotEdge(id, edge.nameHash, edge.name, edge.creationTime), try record.encoded())
            }
        }
    }

    /// Checks what was added.
    package func check(
        failureDomain: (BlockServiceID) -> FailureDomain?, report: (InvariantViolation) -> Void,
        fact: (ShardFact) -> Void
    ) throws(ShardStateError) {
        let store = MemoryStore()
        var progress = ShardProgress(shard: shard)
        // The largest index is no valid one.
        progress.lastFile = InodeID(type: .file, shard: shard, index: .max - 1)
        progress.lastSymlink = InodeID(type: .symlink, shard: shard, index: .max - 1)
        progress.lastBlock = BlockID(rawValue: .max)
        var all = batch
        do throws(EncodeError) {
            all.put(keys.meta(.progress), try progress.encoded())
        } catch {
            throw .unencodable(error)
        }
        do throws(StoreError) {
            try store.write(all, durable: false)
        } catch {
            throw .store(error)
        }
        _ = try ShardChecker.run(shard, in: store, failureDomain: failureDomain, report: report, fact: fact)
    }
}

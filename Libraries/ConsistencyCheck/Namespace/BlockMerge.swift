import Protocol
import ShardCore
import Store

/// Goes through the uses of all blocks in order: a block used twice is S20 inside a shard, X8 between shards.
struct BlockMerge {
    /// Told of each finding, with the files it is about.
    let found: (Finding, [InodeID]) -> Void

    func run(_ table: FactTable) throws(CheckFailure) {
        try table.finish()
        let iterator = table.store.iterator(from: [FactTable.blocks], upTo: [FactTable.blocks + 1])
        var previous: (block: BlockID, file: InodeID, byteOffset: UInt64)?
        iterator.seekToFirst()
        while iterator.isValid {
            iterator.withEntry { key, _ in
                guard key.count == 33 else { return }
                let block = BlockID(rawValue: key.number(at: 1))
                let file = InodeID(rawValue: key.number(at: 9))
                let byteOffset = key.number(at: 17)
                if let previous, previous.block == block {
                    report(block, (previous.file, previous.byteOffset), (file, byteOffset))
                }
                previous = (block, file, byteOffset)
            }
            iterator.next()
        }
        do throws(StoreError) {
            try iterator.checkStatus()
        } catch {
            throw CheckFailure("the temporary store failed: \(error)")
        }
    }

    private func report(
        _ block: BlockID, _ one: (file: InodeID, byteOffset: UInt64), _ other: (file: InodeID, byteOffset: UInt64)
    ) {
        let detail =
            "is used by file \(one.file) at \(one.byteOffset) and by file \(other.file) at \(other.byteOffset)"
        let finding =
            one.file.shard == other.file.shard
            ? Finding(InvariantViolation.Rule.s20, place: "block \(block)", detail: detail)
            : Finding(.x8, place: "block \(block)", detail: detail)
        found(finding, [one.file, other.file])
    }
}

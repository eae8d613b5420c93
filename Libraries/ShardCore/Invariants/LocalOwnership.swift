import Protocol
import Store

/// S11, S12, S26 and the uniqueness of S20 inside one shard. Takes eight bytes of memory for each block and each owning
/// edge of the shard; `sterna fsck`, which compares all shards, does this on disk instead.
struct LocalOwnership {
    private var owned: [InodeID] = []
    private var locked: [InodeID] = []
    private var blocks: [BlockID] = []

    mutating func insert(_ fact: ShardFact) {
        switch fact {
        case .edge(let edge):
            // A snapshot edge cannot own a directory; S10 has said so.
            if edge.kind == .ownedSnapshot && edge.target.isDirectory { return }
            // A locked edge belongs to a transaction, which may be making or removing another one.
            if edge.kind == .locked { locked.append(edge.target) } else { owned.append(edge.target) }
        case .block(let use): blocks.append(use.block)
        case .directory, .file: break
        }
    }

    mutating func check(
        _ shard: ShardID, in store: any OrderedStore, _ report: (InvariantViolation) -> Void
    ) throws(ShardStateError) {
        owned.sort()
        for (target, next) in zip(owned, owned.dropFirst()) where target == next {
            report(InvariantViolation(rule: .s11, place: "inode \(target)", detail: "is owned by several edges"))
        }
        blocks.sort()
        for (block, next) in zip(blocks, blocks.dropFirst()) where block == next {
            report(InvariantViolation(rule: .s20, place: "block \(block)", detail: "is used twice"))
        }
        let keys = ShardKeys(shard: shard)
        for target in owned + locked where target.shard == shard {
            let key = target.isDirectory ? keys.directory(target) : keys.file(target)
            do throws(StoreError) {
                if target.isFile, try store.contains(keys.body(target)) {
                    report(
                        InvariantViolation(
                            rule: .s26, place: "file \(target)", detail: "others refer to it, and an edge names it"))
                }
                if try store.contains(key) { continue }
            } catch {
                throw .store(error)
            }
            let what = target.isDirectory ? "directory" : "linked file"
            report(
                InvariantViolation(rule: .s12, place: "inode \(target)", detail: "an edge names no existing \(what)"))
        }
    }
}

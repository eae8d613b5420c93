import BlockStore
import Protocol

/// A few blocks that were fetched lately, kept open: the next small fetch of pages that are in memory is answered by
/// the loop itself, without a thread and without opening. Belongs to the loop.
final class RecentFiles {
    private var files: [BlockID: BlockFile] = [:]
    private var order: [BlockID] = []
    private var next = 0
    /// Grows with every erasure or rewrite, so that a fetch that began before one cannot bring the old file back.
    private(set) var generation: UInt64 = 0

    /// Descriptors and, after an erasure by other means, disk space that one disk may hold.
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    subscript(block: BlockID) -> BlockFile? { files[block] }

    /// Keeps a file that a fetch opened, unless blocks were changed since `generation`.
    func keep(_ file: BlockFile, of block: BlockID, since generation: UInt64) {
        guard generation == self.generation, files.updateValue(file, forKey: block) == nil else { return }
        if order.count < limit {
            order.append(block)
        } else {
            files[order[next]] = nil
            order[next] = block
            next = (next + 1) % limit
        }
    }

    /// Lets go of what would keep the space of erased blocks.
    func dropRetired() {
        for (block, file) in files where file.isRetired { forget(block) }
    }

    /// The block changes or goes: its next fetch opens it anew. To be called when the change begins and when it ends.
    func forget(_ block: BlockID) {
        generation &+= 1
        drop(block)
    }

    /// The open file is of no more use.
    func drop(_ block: BlockID) {
        guard files.removeValue(forKey: block) != nil, let index = order.firstIndex(of: block) else { return }
        order.remove(at: index)
        if next >= order.count { next = 0 }
    }
}

import Glibc
import Protocol

extension BlockDisk {
    /// Removes a block; `completion` is called when that is durable. A block that is not there counts as removed: the
    /// request may be a repetition. Small blocks that are removed at the same time share a sync.
    public func erase(_ block: BlockID, completion: @escaping BlockCompletion) {
        do throws(BlockStoreError) {
            switch smallBlocks {
            case .absent: try eraseFile(block)
            case .opened(let store):
                // What cannot tell is asked to erase: it reads what it lost first.
                guard (try? store.contains(block)) != false else {
                    try eraseFile(block)
                    break
                }
                // It can lie in both places when it was written twice with different limits for small blocks.
                if try hasFile(block) { try eraseFile(block) }
                return store.submit(.init(block: block, action: .erase, completion: completion))
            case .damaged(let error):
                guard try hasFile(block) else { throw error }
                try eraseFile(block)
            }
            completion(.success(()))
        } catch {
            completion(.failure(error))
        }
    }

    /// As above, but waits.
    public func erase(_ block: BlockID) throws(BlockStoreError) {
        try BlockOutcome.wait { erase(block, completion: $0) }
    }

    private func hasFile(_ block: BlockID) throws(BlockStoreError) -> Bool {
        let path = BlockPath(block)
        return try blocksDirectory.has("\(path.directory)/\(path.name)")
    }

    private func eraseFile(_ block: BlockID) throws(BlockStoreError) {
        let path = BlockPath(block)
        let directory: FileDescriptor
        do {
            directory = try self.directory(for: path, making: false)
        } catch .system(_, ENOENT) {
            return
        }
        let code = erasing.withLock { _ in unlinkat(directory.raw, path.name, 0) == 0 ? 0 : errno }
        guard code == 0 || code == ENOENT else { throw .system(operation: "unlink \(path.name)", code: code) }
        if code == 0 { blocksChanged(by: -1) }
        // Also when it was missing: an earlier attempt may have failed between its unlink and its sync.
        try directory.sync("directory \(path.directory)")
    }
}

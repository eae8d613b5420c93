import Glibc
import Protocol

extension BlockDisk {
    /// Removes a block and returns when that is durable. A block that is not there counts as removed: the request may
    /// be a repetition.
    public func erase(_ block: BlockID) throws(BlockStoreError) {
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

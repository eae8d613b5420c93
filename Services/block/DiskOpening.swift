import BlockStore
import Glibc

/// Opens disks at start.
enum DiskOpening {
    /// Opens the disk at `path`; makes the directory and those above it when they are not there.
    static func open(_ path: String, _ options: BlockDiskOptions) throws(BlockStoreError) -> BlockDisk {
        var prefix = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            prefix += prefix.isEmpty || prefix.hasSuffix("/") ? String(part) : "/\(part)"
            if mkdir(prefix, 0o777) != 0, errno != EEXIST {
                throw .system(operation: "create \(prefix)", code: errno)
            }
        }
        return try BlockDisk(opening: path, options: options)
    }
}

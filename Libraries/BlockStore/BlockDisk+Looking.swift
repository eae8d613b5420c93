import Glibc
import Protocol

/// What can be told about a disk that nobody serves, without opening it: nothing is made, locked or changed.
extension BlockDisk {
    /// The block service that the disk at `path` is; nil when it has no readable key.
    public static func identity(at path: String) -> BlockServiceID? {
        guard let directory = try? FileDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY) else { return nil }
        return SecretKeyFile.key(in: directory).map(BlockServiceID.init(secretKey:))
    }

    /// Where a block lies below the disk's directory.
    public static func relativePath(of block: BlockID) -> String {
        let path = BlockPath(block)
        return "\(blocksName)/\(path.directory)/\(path.name)"
    }

    /// Bytes that a block of `size` bytes takes as a file: a checksum follows each page.
    public static func storedSize(ofBlock size: UInt32) -> Int64 {
        Int64(size) / 4096 * 4100
    }
}

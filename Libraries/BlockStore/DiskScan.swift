import Glibc

/// Reads the directories of a disk once when it is opened.
enum DiskScan {
    /// The number of blocks. Files of interrupted writes are removed: nobody was told about them. Anything else that
    /// does not look like a block is left alone and not counted.
    static func countBlocksAndRemoveLeftovers(in blocks: FileDescriptor) throws(BlockStoreError) -> Int {
        var subdirectories: [String] = []
        try DirectoryEntries.forEach(of: blocks) { name in
            if isTemporary(name) {
                unlinkat(blocks.raw, String(decoding: name, as: UTF8.self), 0)
            } else if name.count == 2 {
                subdirectories.append(String(decoding: name, as: UTF8.self))
            }
        }
        var count = 0
        for subdirectory in subdirectories {
            let directory = try FileDescriptor.open(subdirectory, in: blocks, flags: O_RDONLY | O_DIRECTORY)
            try DirectoryEntries.forEach(of: directory) { name in
                if isTemporary(name) {
                    unlinkat(directory.raw, String(decoding: name, as: UTF8.self), 0)
                } else if BlockPath.isBlockName(name) {
                    count += 1
                }
            }
        }
        return count
    }

    private static func isTemporary(_ name: UnsafeRawBufferPointer) -> Bool {
        name.starts(with: "tmp.".utf8)
    }
}

import Glibc

/// Reads the directories of a disk once when it is opened.
enum DiskScan {
    /// The number of blocks. Files of interrupted writes are removed: nobody was told about them. Anything else that
    /// does not look like a block is left alone and not counted.
    static func countBlocksAndRemoveLeftovers(in blocks: FileDescriptor) throws(BlockStoreError) -> Int {
        var subdirectories: [String] = []
        try forEachEntry(of: blocks) { name in
            if isTemporary(name) {
                unlinkat(blocks.raw, String(decoding: name, as: UTF8.self), 0)
            } else if name.count == 2 {
                subdirectories.append(String(decoding: name, as: UTF8.self))
            }
        }
        var count = 0
        for subdirectory in subdirectories {
            let directory = try FileDescriptor.open(subdirectory, in: blocks, flags: O_RDONLY | O_DIRECTORY)
            try forEachEntry(of: directory) { name in
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

    private static func forEachEntry(
        of directory: FileDescriptor, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(BlockStoreError) {
        // fdopendir takes its descriptor over and moves its position, so it gets one of its own.
        let own = try FileDescriptor.open(".", in: directory, flags: O_RDONLY | O_DIRECTORY)
        let raw = dup(own.raw)
        guard raw >= 0, let stream = fdopendir(raw) else { throw .last("read directory") }
        defer { closedir(stream) }
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            // In place: an entry is shorter than the structure that Swift would copy.
            withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                let length = bytes.firstIndex(of: 0) ?? bytes.count
                body(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
            }
        }
        if errno != 0 { throw .last("read directory") }
    }
}

import Glibc

/// Listing a directory.
enum DirectoryEntries {
    /// Hands every name to `body`, `.` and `..` included.
    static func forEach(
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

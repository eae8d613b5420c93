import Directories

/// Listing a directory.
enum DirectoryEntries {
    /// Hands every name to `body`, `.` and `..` included.
    static func forEach(
        of directory: FileDescriptor, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(BlockStoreError) {
        do throws(DirectoryError) {
            // Opened anew: listing moves a descriptor's position.
            try DirectoryListing.forEach(in: ".", below: directory.raw, body)
        } catch {
            throw BlockStoreError(error)
        }
    }
}

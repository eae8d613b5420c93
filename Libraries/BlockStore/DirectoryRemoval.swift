import Glibc

/// Takes a directory of plain files away.
enum DirectoryRemoval {
    private static let suffix = ".removed"

    /// Removes `name` from `parent`: from one moment to the next under its name, then file by file. What a crash leaves
    /// of that goes with the next removal. Nothing happens when there is none.
    static func remove(_ name: String, in parent: FileDescriptor) throws(BlockStoreError) {
        let doomed = name + suffix
        try removeContents(doomed, in: parent)
        guard renameat(parent.raw, name, parent.raw, doomed) == 0 else {
            if errno == ENOENT { return }
            throw .last("rename \(name)")
        }
        try removeContents(doomed, in: parent)
    }

    private static func removeContents(_ name: String, in parent: FileDescriptor) throws(BlockStoreError) {
        let directory: FileDescriptor
        do throws(BlockStoreError) {
            directory = try .open(name, in: parent, flags: O_RDONLY | O_DIRECTORY)
        } catch where error.isMissingFile {
            return
        }
        var names: [[UInt8]] = []
        try DirectoryEntries.forEach(of: directory) { names.append(Array($0)) }
        for entry in names where entry != Array(".".utf8) && entry != Array("..".utf8) {
            let code = (entry + [0]).withUnsafeBytes { bytes -> Int32 in
                guard let base = bytes.assumingMemoryBound(to: CChar.self).baseAddress else { return 0 }
                return unlinkat(directory.raw, base, 0) == 0 || errno == ENOENT ? 0 : errno
            }
            guard code == 0 else { throw .system(operation: "remove files of \(name)", code: code) }
        }
        guard unlinkat(parent.raw, name, AT_REMOVEDIR) == 0 || errno == ENOENT else { throw .last("remove \(name)") }
    }
}

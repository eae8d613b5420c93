import Glibc

/// What lies on a disk, as a number in the file `layout`: "sterna disk N". A disk without the file has layout 1.
///
/// | Layout | What it adds |
/// |---|---|
/// | 1 | `secret.key`, `with_crc/`: what every implementation of the protocol reads |
/// | 2 | `small_blocks/` |
enum DiskLayout {
    /// The newest one that this program knows.
    static let newest = 2
    private static let name = "layout"
    private static let prefix = "sterna disk "
    private static let longest = 64

    /// The layout of a disk. Throws `unknownLayout` when it is too new or unreadable.
    static func read(of directory: FileDescriptor, path: String) throws(BlockStoreError) -> Int {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(name, in: directory, flags: O_RDONLY)
        } catch .system(_, ENOENT) {
            return 1
        }
        let text = String(decoding: try file.bytes(atMost: longest), as: UTF8.self)
        let line = text.hasSuffix("\n") ? String(text.dropLast()) : text
        let number = line.hasPrefix(prefix) ? Int(line.dropFirst(prefix.count)) : nil
        guard let number, (1...newest).contains(number) else {
            throw .unknownLayout(path: "\(path)/\(name)", found: line)
        }
        return number
    }

    /// Says durably that the disk has at least layout `number`.
    static func raise(to number: Int, of directory: FileDescriptor, path: String) throws(BlockStoreError) {
        guard try read(of: directory, path: path) < number else { return }
        let temporary = "\(name).new"
        unlinkat(directory.raw, temporary, 0)
        let file = try FileDescriptor.open(
            temporary, in: directory, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
        try file.writeAll(Array("\(prefix)\(number)\n".utf8))
        try file.sync("\(path)/\(name)")
        guard renameat(directory.raw, temporary, directory.raw, name) == 0 else {
            throw .last("rename \(path)/\(name)")
        }
        try directory.sync(path)
    }
}

import Glibc

/// A file or directory. Whoever still needs one holds it: directories, the medium, changes on their way there, the kernel.
package final class Node {
    typealias Name = [UInt8]

    package let number: UInt64
    /// Type and permissions, as stat(2) has them. Durable at once, as times are: nothing depends on them.
    package internal(set) var mode: UInt32
    package internal(set) var owner: UInt32 = 0
    package internal(set) var group: UInt32 = 0
    package internal(set) var modified = timespec()
    /// Names that lead here.
    package internal(set) var links = 0
    /// Where it was put last, for faults that are limited to a path.
    weak var parent: Node?
    var name: Name = []
    /// Its disk lost power: nothing reaches it any more.
    var isGone = false

    /// Of a directory: what programs see, and what the medium has.
    var entries: [Name: Node] = [:]
    var durableEntries: [Name: Node] = [:]
    /// nil for directories.
    let file: CachedFile?

    init(_ number: UInt64, mode: UInt32, file: CachedFile?) {
        self.number = number
        self.mode = mode
        self.file = file
        touch()
    }

    package var isDirectory: Bool { file == nil }
    package var size: Int { file?.size ?? 0 }

    func touch() { clock_gettime(CLOCK_REALTIME, &modified) }

    /// From the root of the disk, for people and faults.
    package var path: String {
        var names: [String] = []
        var node = self
        while let parent = node.parent {
            names.append(String(decoding: node.name, as: UTF8.self))
            node = parent
        }
        return "/" + names.reversed().joined(separator: "/")
    }
}

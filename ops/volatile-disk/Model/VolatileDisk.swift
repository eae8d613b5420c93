import Chance
import Glibc

/// A disk that forgets, without power, what was not synced: contents and sizes of files without fsync, names in
/// directories without fsync. Not thread-safe.
package final class VolatileDisk {
    package internal(set) var root: Node
    package private(set) var cuts = 0
    var random: SplitMix
    /// Names that are not on the medium yet, in the order in which they were changed.
    var pending: [NameChange] = []
    private var faults: [Fault] = []
    private let directory: String
    private var lastNumber: UInt64 = 1
    /// Whether the disk writes of itself now and then, as kernels do.
    private let writesBack: Bool

    /// - Parameters:
    ///   - directory: an empty one, for what is durable. It is of no use to anybody afterwards.
    ///   - writesBack: false in tests that want to know what was synced.
    package init(directory: String, seed: UInt64, writesBack: Bool = true) {
        self.directory = directory
        self.writesBack = writesBack
        random = SplitMix(seed: seed)
        root = Node(1, mode: S_IFDIR | 0o755, file: nil)
        root.links = 1
    }

    // MARK: Nodes

    func newNode(mode: UInt32, owner: (UInt32, UInt32), _ file: CachedFile?) -> Node {
        lastNumber += 1
        let node = Node(lastNumber, mode: mode, file: file)
        (node.owner, node.group) = owner
        return node
    }

    /// As it is after a power cut: another node, so that nothing in memory is taken for it.
    func renewed(_ node: Node, _ file: CachedFile?) -> Node {
        let new = newNode(mode: node.mode, owner: (node.owner, node.group), file)
        new.modified = node.modified
        return new
    }

    func newFile() -> CachedFile { CachedFile(DurableFile(path: "\(directory)/\(lastNumber + 1)")) }

    /// What a path from the root leads to.
    package func node(at path: String) throws(DiskError) -> Node {
        var node = root
        for name in path.split(separator: "/") { node = try lookUp(Array(name.utf8), in: node) }
        return node
    }

    package func lookUp(_ name: [UInt8], in directory: Node) throws(DiskError) -> Node {
        try check(directory)
        guard directory.isDirectory else { throw DiskError(ENOTDIR) }
        guard let node = directory.entries[name] else { throw DiskError(ENOENT) }
        return node
    }

    /// All entries, by name.
    package func list(_ directory: Node) throws(DiskError) -> [(name: [UInt8], node: Node)] {
        try check(directory)
        return directory.entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
    }

    /// For whoever has listed all of them.
    package func endListing(of directory: Node) throws(DiskError) {
        if fails(.failList, directory) { throw DiskError(EIO) }
    }

    /// Refuses what lost power.
    package func check(_ node: Node) throws(DiskError) {
        if node.isGone { throw DiskError(ESTALE) }
    }

    package func setMode(_ node: Node, _ permissions: UInt32) { node.mode = node.mode & S_IFMT | permissions & 0o7777 }
    package func setOwner(_ node: Node, _ owner: UInt32) { node.owner = owner }
    package func setGroup(_ node: Node, _ group: UInt32) { node.group = group }
    package func setModified(_ node: Node, _ time: timespec?) {
        if let time { node.modified = time } else { node.touch() }
    }

    // MARK: Faults

    package func plant(_ fault: Fault) { faults.append(fault) }

    /// Everything below a path works again.
    package func heal(_ path: String) { faults.removeAll { path == "/" || $0.path == path } }

    package func isFull(_ node: Node) -> Bool { faults.contains { $0.meets(.full, node) } }

    func fails(_ kind: Fault.Kind, _ node: Node) -> Bool {
        guard let index = faults.firstIndex(where: { $0.meets(kind, node) }) else { return false }
        if let times = faults[index].times { faults[index].times = times - 1 }
        return true
    }

    /// Flips a bit of what is durable of a file.
    package func rot(_ node: Node) throws(DiskError) {
        guard let file = node.file, file.durableSize > 0 else { throw DiskError(EINVAL) }
        try file.rot(bit: Int.random(in: 0..<file.durableSize * 8, using: &random))
    }

    // MARK: Of itself

    /// Whether something is written now without having been asked for.
    func happensToWriteBack() -> Bool { writesBack && Int.random(in: 0..<64, using: &random) == 0 }

    func countCut() { cuts += 1 }

    package func anySurvival() -> Survival { .any(using: &random) }
}

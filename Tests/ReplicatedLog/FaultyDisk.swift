import ReplicatedLog

/// A disk in memory with a page cache before it. It can be cut off from power in the middle of writing, refuse a sync and
/// drop what that should have written while the cache still shows it, rot, and fill up.
final class FaultyDisk: LogDisk {
    static let sector = 512

    final class Content {
        var cache: [UInt8] = []
        var medium: [UInt8] = []
        var dirty: Set<Int> = []
        /// Pages that the medium has lost, until they are written.
        var lost: Set<Int> = []
    }

    let path = "faulty"
    /// Syncs of files that are refused from now on.
    var refusedSyncs = 0
    /// Syncs of names that are refused from now on.
    var refusedNameSyncs = 0
    /// Files that are there and not listed.
    var unlisted: Set<String> = []
    /// What fits on the disk.
    var capacity = Int.max
    private(set) var files: [String: Content] = [:]
    private var durableNames: [String: Content] = [:]

    // MARK: What happens to it

    /// Of each sector that was not synced the old or the new contents are there, or rubbish.
    func cutPower(_ random: inout some RandomNumberGenerator) {
        files = durableNames
        for (_, content) in files.sorted(by: { $0.key < $1.key }) {
            for sector in content.dirty.sorted() {
                let range = Self.range(sector, in: content.cache)
                switch UInt8.random(in: 0..<5, using: &random) {
                case 0, 1: content.medium.replaceSubrange(range, with: content.cache[range])
                case 2, 3: break
                default: for index in range { content.medium[index] = .random(in: 0...255, using: &random) }
                }
            }
            content.dirty = []
            content.cache = content.medium
        }
    }

    /// Nothing that was not synced is there.
    func cutPower() {
        files = durableNames
        for content in files.values {
            content.dirty = []
            content.cache = content.medium
        }
    }

    /// Changes a byte for good.
    func rot(_ name: String, at offset: Int) {
        guard let content = files[name] else { return }
        content.medium[offset] ^= 0x55
        content.cache[offset] = content.medium[offset]
    }

    /// Pages cannot be read from now on.
    func lose(_ name: String, pages: Set<Int>) { files[name]?.lost.formUnion(pages) }

    /// What was lost can be read again, unless it was written meanwhile.
    func heal() {
        for content in files.values { content.lost = [] }
    }

    /// A file that was written and synced elsewhere.
    func place(_ name: String, _ bytes: [UInt8]) {
        let content = Content()
        content.cache = bytes
        content.medium = bytes
        files[name] = content
        durableNames[name] = content
    }

    private static func range(_ sector: Int, in bytes: [UInt8]) -> Range<Int> {
        sector * Self.sector..<min((sector + 1) * Self.sector, bytes.count)
    }

    // MARK: LogDisk

    func names() -> [String] { files.keys.filter { !unlisted.contains($0) }.sorted() }

    func open(_ name: String, create: Bool) throws(LogError) -> any LogDiskFile {
        if files[name] == nil && create { files[name] = Content() }
        guard let content = files[name] else { throw .inputOutput("there is no \(name)") }
        return FaultyFile(name, content, self)
    }

    func rename(_ name: String, to newName: String, replacing: Bool) throws(LogError) {
        guard replacing || files[newName] == nil else { throw .corruption("\(newName) is there") }
        guard let content = files.removeValue(forKey: name) else { throw .inputOutput("there is no \(name)") }
        files[newName] = content
    }

    func remove(_ name: String) { files[name] = nil }

    func sync() throws(LogError) {
        guard refusedNameSyncs == 0 else {
            refusedNameSyncs -= 1
            throw .inputOutput("the faulty disk refuses a sync of names")
        }
        durableNames = files
    }

    func freeBytes() -> Int { capacity - files.values.reduce(0) { $0 + $1.cache.count } }
}

/// A file of a `FaultyDisk`.
final class FaultyFile: LogDiskFile {
    let path: String
    private let content: FaultyDisk.Content
    private let disk: FaultyDisk

    init(_ name: String, _ content: FaultyDisk.Content, _ disk: FaultyDisk) {
        path = "faulty/\(name)"
        self.content = content
        self.disk = disk
    }

    func size() -> Int { content.cache.count }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogError) {
        let missing = offset + bytes.count - content.cache.count
        if missing > 0 {
            let fitting = min(missing, max(disk.freeBytes(), 0))
            content.cache += [UInt8](repeating: 0, count: fitting)
            content.medium += [UInt8](repeating: 0, count: fitting)
            guard fitting == missing else { throw .noSpace("the faulty disk is full") }
        }
        guard !bytes.isEmpty else { return }
        content.cache.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        content.lost = content.lost.filter { $0 * 4096 < offset || ($0 + 1) * 4096 > offset + bytes.count }
        content.dirty.formUnion(offset / FaultyDisk.sector...(offset + bytes.count - 1) / FaultyDisk.sector)
    }

    func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogError) {
        guard !content.lost.contains(where: { $0 * 4096 < offset + bytes.count && ($0 + 1) * 4096 > offset }) else {
            throw .unreadable("\(path): the faulty disk has lost it")
        }
        for index in bytes.indices {
            bytes[index] = offset + index < content.cache.count ? content.cache[offset + index] : 0
        }
    }

    func sync() throws(LogError) {
        defer { content.dirty = [] }
        guard disk.refusedSyncs == 0 else {
            disk.refusedSyncs -= 1
            throw .inputOutput("the faulty disk refuses a sync")
        }
        for sector in content.dirty {
            let range = sector * FaultyDisk.sector..<min((sector + 1) * FaultyDisk.sector, content.cache.count)
            content.medium.replaceSubrange(range, with: content.cache[range])
        }
    }
}

import ReplicatedLog

/// A disk in memory with a page cache before it. It can be cut off from power in the middle of writing, refuse a sync and
/// drop what that should have written while the cache still shows it, rot, and fill up; and whoever uses it can be killed
/// between any two changes.
package final class FaultyDisk: LogDisk {
    static let sector = 512

    package final class Content {
        package fileprivate(set) var cache: [UInt8] = []
        package fileprivate(set) var medium: [UInt8] = []
        package fileprivate(set) var dirty: Set<Int> = []
        /// Pages that the medium has lost, until they are written.
        package fileprivate(set) var lost: Set<Int> = []
    }

    package let path = "faulty"
    /// Syncs of files that are refused from now on.
    package var refusedSyncs = 0
    /// Syncs of names that are refused from now on.
    package var refusedNameSyncs = 0
    /// Files that are there and not listed.
    package var unlisted: Set<String> = []
    /// How many syncs have been refused.
    package fileprivate(set) var refusals = 0
    /// What fits on the disk.
    package var capacity = Int.max
    /// So many more changes are made; at the next one whoever makes it is killed. Nil: nobody is.
    package var changesLeft: Int?
    /// Called when somebody is killed: nothing that he does from then on has any effect.
    package var onKill: (() -> Void)?
    package private(set) var hasKilled = false
    package private(set) var files: [String: Content] = [:]
    private var durableNames: [String: Content] = [:]

    package init() {}

    /// Whether something that was written waits for its sync.
    package var isDirty: Bool { files.values.contains { !$0.dirty.isEmpty } }

    /// What the files take.
    package var usedBytes: Int { files.values.reduce(0) { $0 + $1.cache.count } }

    // MARK: What happens to it

    /// Somebody else uses the disk from now on.
    package func revive() {
        changesLeft = nil
        hasKilled = false
    }

    /// Another disk is in its place, with nothing on it. Nobody uses the old one.
    package func wipe() {
        files = [:]
        durableNames = [:]
        revive()
    }

    /// Before each change.
    fileprivate func change() throws(LogError) {
        guard !hasKilled, let left = changesLeft else {
            if hasKilled { throw .inputOutput("killed") }
            return
        }
        changesLeft = left - 1
        guard left == 0 else { return }
        hasKilled = true
        onKill?()
        throw .inputOutput("killed")
    }

    /// Of each sector that was not synced the old or the new contents are there, or rubbish.
    /// - Returns: whether it left some of what was written and took some.
    @discardableResult
    package func cutPower(_ random: inout some RandomNumberGenerator) -> Bool {
        files = durableNames
        var (kept, lost) = (0, 0)
        for (_, content) in files.sorted(by: { $0.key < $1.key }) {
            for sector in content.dirty.sorted() {
                let range = Self.range(sector, in: content.cache)
                switch UInt8.random(in: 0..<5, using: &random) {
                case 0, 1:
                    content.medium.replaceSubrange(range, with: content.cache[range])
                    kept += 1
                    continue
                case 2, 3: break
                default: for index in range { content.medium[index] = .random(in: 0...255, using: &random) }
                }
                lost += 1
            }
            content.dirty = []
            content.cache = content.medium
        }
        return kept > 0 && lost > 0
    }

    /// Nothing that was not synced is there.
    package func cutPower() {
        files = durableNames
        for content in files.values {
            content.dirty = []
            content.cache = content.medium
        }
    }

    /// Changes a byte for good.
    package func rot(_ name: String, at offset: Int) {
        guard let content = files[name] else { return }
        content.medium[offset] ^= 0x55
        content.cache[offset] = content.medium[offset]
    }

    /// Pages cannot be read from now on.
    package func lose(_ name: String, pages: Set<Int>) { files[name]?.lost.formUnion(pages) }

    /// What was lost can be read again, unless it was written meanwhile.
    package func heal() {
        for content in files.values { content.lost = [] }
    }

    /// A file that was written and synced elsewhere.
    package func place(_ name: String, _ bytes: [UInt8]) {
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

    package func names() -> [String] { files.keys.filter { !unlisted.contains($0) }.sorted() }

    package func open(_ name: String, create: Bool) throws(LogError) -> any LogDiskFile {
        if files[name] == nil && create {
            try change()
            files[name] = Content()
        }
        guard let content = files[name] else { throw .inputOutput("there is no \(name)") }
        return FaultyFile(name, content, self)
    }

    package func rename(_ name: String, to newName: String, replacing: Bool) throws(LogError) {
        try change()
        guard replacing || files[newName] == nil else { throw .corruption("\(newName) is there") }
        guard let content = files.removeValue(forKey: name) else { throw .inputOutput("there is no \(name)") }
        files[newName] = content
    }

    package func remove(_ name: String) throws(LogError) {
        try change()
        files[name] = nil
    }

    package func sync() throws(LogError) {
        try change()
        guard refusedNameSyncs == 0 else {
            refusedNameSyncs -= 1
            refusals += 1
            throw .inputOutput("the faulty disk refuses a sync of names")
        }
        durableNames = files
    }

    package func freeBytes() -> Int { capacity - usedBytes }
}

/// A file of a `FaultyDisk`.
package final class FaultyFile: LogDiskFile {
    package let path: String
    private let content: FaultyDisk.Content
    private let disk: FaultyDisk

    fileprivate init(_ name: String, _ content: FaultyDisk.Content, _ disk: FaultyDisk) {
        path = "faulty/\(name)"
        self.content = content
        self.disk = disk
    }

    package func size() -> Int { content.cache.count }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogError) {
        try disk.change()
        let missing = offset + bytes.count - content.cache.count
        if missing > 0 {
            let fitting = min(missing, max(disk.freeBytes(), 0))
            content.cache += [UInt8](repeating: 0, count: fitting)
            content.medium += [UInt8](repeating: 0, count: fitting)
            guard fitting == missing else { throw .noSpace("the faulty disk is full") }
        }
        guard !bytes.isEmpty else { return }
        content.cache.withUnsafeMutableBytes { cache in
            UnsafeMutableRawBufferPointer(rebasing: cache[offset..<offset + bytes.count]).copyMemory(from: bytes)
        }
        if !content.lost.isEmpty {
            content.lost = content.lost.filter { $0 * 4096 < offset || ($0 + 1) * 4096 > offset + bytes.count }
        }
        content.dirty.formUnion(offset / FaultyDisk.sector...(offset + bytes.count - 1) / FaultyDisk.sector)
    }

    package func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogError) {
        guard !content.lost.contains(where: { $0 * 4096 < offset + bytes.count && ($0 + 1) * 4096 > offset }) else {
            throw .unreadable("\(path): the faulty disk has lost it")
        }
        let there = min(max(content.cache.count - offset, 0), bytes.count)
        content.cache.withUnsafeBytes { cache in
            if there > 0 { bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: cache[offset..<offset + there])) }
        }
        for index in there..<bytes.count { bytes[index] = 0 }
    }

    package func sync() throws(LogError) {
        try disk.change()
        defer { content.dirty = [] }
        guard disk.refusedSyncs == 0 else {
            disk.refusedSyncs -= 1
            disk.refusals += 1
            throw .inputOutput("the faulty disk refuses a sync")
        }
        for sector in content.dirty {
            let range = sector * FaultyDisk.sector..<min((sector + 1) * FaultyDisk.sector, content.cache.count)
            content.medium.replaceSubrange(range, with: content.cache[range])
        }
    }
}

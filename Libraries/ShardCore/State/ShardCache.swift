import Protocol

/// What is known of an inode id of type file or symlink.
enum InodeState: Equatable {
    case absent
    case linked(FileRecord)
    case transient(TransientFileRecord)
}

/// A name's place in a directory. Two names of one hash share a place; the cache holds the one used last.
struct EdgePlace: Hashable {
    var directory: InodeID
    var hash: NameHash
}

/// A name and what it currently stands for; nil: nothing.
struct CachedEdge {
    var name: [UInt8]
    var edge: CurrentEdgeRecord?
}

/// The decoded records a core was using lately, absences included. Always equal to the store: every committed change
/// goes through here as well.
struct ShardCache: ~Copyable {
    private var directories = GenerationCache<InodeID, DirectoryRecord?>()
    private var inodes = GenerationCache<InodeID, InodeState>()
    private var edges = GenerationCache<EdgePlace, CachedEdge>()
    private let budget: ShardCacheBudget
    private var charged = 0

    init(budget: ShardCacheBudget) {
        self.budget = budget
        budget.join()
    }

    deinit {
        budget.leave(returning: charged)
    }

    // Estimates: a dictionary slot at its usual load, plus a heap block per array.
    private static func size(_ directory: DirectoryRecord?) -> Int {
        128 + (directory.map { ($0.info.isEmpty ? 0 : $0.info.count + 32) + $0.attributesMemoryBytes } ?? 0)
    }
    private static func size(_ inode: InodeState) -> Int {
        switch inode {
        case .absent: 120
        case .linked(let record): 120 + record.attributesMemoryBytes
        case .transient(let record):
            144 + record.note.count + (record.supersededVersion.map { 48 + $0.attributesMemoryBytes } ?? 0)
        }
    }
    private static func size(_ edge: CachedEdge) -> Int { 144 + edge.name.count }

    mutating func directory(_ id: InodeID) -> DirectoryRecord?? {
        directories.value(for: id, size: Self.size)
    }

    mutating func inode(_ id: InodeID) -> InodeState? {
        inodes.value(for: id, size: Self.size)
    }

    /// The edge of `name`, if it is known whether there is one.
    mutating func edge(_ place: EdgePlace, named name: UnsafeRawBufferPointer) -> CurrentEdgeRecord?? {
        guard let cached = edges.value(for: place, size: Self.size), cached.name.isEqual(to: name) else { return nil }
        return .some(cached.edge)
    }

    mutating func insert(_ directory: DirectoryRecord?, for id: InodeID) {
        directories.insert(directory, for: id, size: Self.size)
        settle()
    }

    mutating func insert(_ inode: InodeState, for id: InodeID) {
        inodes.insert(inode, for: id, size: Self.size)
        settle()
    }

    mutating func insert(_ edge: CachedEdge, at place: EdgePlace) {
        edges.insert(edge, for: place, size: Self.size)
        settle()
    }

    mutating func removeAll() {
        directories.removeAll()
        inodes.removeAll()
        edges.removeAll()
        settle()
    }

    private mutating func settle() {
        var bytes = directories.byteCount + inodes.byteCount + edges.byteCount
        // Telling the shared counter of every record would make all threads wait for one cache line.
        guard bytes - charged > Self.chargeStep || charged - bytes > Self.chargeStep else { return }
        budget.change(by: bytes - charged)
        charged = bytes
        guard budget.isExceeded(by: bytes) else { return }
        directories.age()
        inodes.age()
        edges.age()
        bytes = directories.byteCount + inodes.byteCount + edges.byteCount
        budget.change(by: bytes - charged)
        charged = bytes
    }

    private static let chargeStep = 4096

    func forEachDirectory(_ body: (InodeID, DirectoryRecord?) -> Void) { directories.forEach(body) }
    func forEachInode(_ body: (InodeID, InodeState) -> Void) { inodes.forEach(body) }
    func forEachEdge(_ body: (EdgePlace, CachedEdge) -> Void) { edges.forEach(body) }
}

extension [UInt8] {
    func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
        count == other.count && withUnsafeBytes { $0.elementsEqual(other) }
    }
}

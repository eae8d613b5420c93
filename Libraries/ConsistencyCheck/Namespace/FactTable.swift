import Protocol
import ShardCore
import Store

/// The facts of all shards, sorted so that everything about one inode, and all uses of one block, lie together.
///
/// Keys: `n` id 1 → the inode; `n` id 2 → its owner by the coordinator; `n` id 3 directory kind time name → an edge to
/// it; `b` block file offset service → a use of it; `r` file service 1 → a span of the file says that it has a block there,
/// 2 → its shard lists it there. Numbers big-endian.
final class FactTable {
    static let inodes = UInt8(ascii: "n")
    static let blocks = UInt8(ascii: "b")
    static let references = UInt8(ascii: "r")

    enum Tag: UInt8 {
        case inode = 1
        case parent = 2
        case edge = 3
    }

    /// What says that a file has blocks on a block service.
    enum ReferenceSource: UInt8 {
        case span = 1
        case list = 2
    }

    let store: any OrderedStore
    private var batch = WriteBatch()
    private var failure: StoreError?
    private static let batchBytes = 1 << 20

    init(_ store: any OrderedStore) {
        self.store = store
    }

    func insert(_ fact: ShardFact) {
        switch fact {
        case .directory(let id, let owner, let info):
            let kind: InodeFact.Kind = owner.isNull && id != .root ? .snapshotDirectory : .liveDirectory
            put(id, InodeFact(kind: kind, owner: owner, hasAllPolicies: Self.hasAllPolicies(info)))
        case .file(let id, let kind):
            put(id, InodeFact(kind: InodeFact.Kind(kind), owner: .null, hasAllPolicies: true))
        case .edge(let edge):
            var key = Self.key(edge.target, .edge)
            key.appendNumber(edge.directory.rawValue)
            key.append(edge.kind.rawValue)
            key.appendNumber(edge.creationTime.nanoseconds)
            put(key + edge.name, [])
        case .block(let use):
            var key = [Self.blocks]
            key.appendNumber(use.block.rawValue)
            key.appendNumber(use.file.rawValue)
            key.appendNumber(use.byteOffset)
            key.appendNumber(use.service.rawValue)
            put(key, [])
        }
    }

    func insertParent(_ directory: InodeID, owner: InodeID) {
        var value: [UInt8] = []
        value.appendNumber(owner.rawValue)
        put(Self.key(directory, .parent), value)
    }

    func insert(_ source: ReferenceSource, _ file: InodeID, at service: BlockServiceID) {
        var key = Self.referencesKey(file)
        key.appendNumber(service.rawValue)
        key.append(source.rawValue)
        put(key, [])
    }

    static func referencesKey(_ file: InodeID) -> [UInt8] {
        var key = [references]
        key.appendNumber(file.rawValue)
        return key
    }

    /// All that was inserted is in the store.
    func finish() throws(CheckFailure) {
        write()
        if let failure { throw CheckFailure("the temporary store failed: \(failure)") }
    }

    private func put(_ id: InodeID, _ fact: InodeFact) { put(Self.key(id, .inode), fact.bytes) }

    private func put(_ key: [UInt8], _ value: [UInt8]) {
        batch.put(key, value)
        if batch.byteCount >= Self.batchBytes { write() }
    }

    private func write() {
        do throws(StoreError) {
            try store.write(batch, durable: false)
        } catch {
            failure = failure ?? error
        }
        batch.removeAll()
    }

    static func key(_ id: InodeID, _ tag: Tag) -> [UInt8] {
        var key = [inodes]
        key.appendNumber(id.rawValue)
        key.append(tag.rawValue)
        return key
    }

    private static func hasAllPolicies(_ info: [UInt8]) -> Bool {
        guard let info = try? DirectoryInfo(decoding: info) else { return false }
        return Set(info.entries.map(\.tag)).isSuperset(of: [.snapshot, .span, .block, .stripe])
    }
}

/// What an inode is.
struct InodeFact: Equatable {
    enum Kind: UInt8 {
        case liveDirectory = 1
        case snapshotDirectory = 2
        case linkedFile = 3
        case transientFile = 4
        case body = 5

        init(_ kind: FileKind) {
            self =
                switch kind {
                case .transient: .transientFile
                case .linked: .linkedFile
                case .body: .body
                }
        }
    }

    var kind: Kind
    var owner: InodeID
    var hasAllPolicies: Bool

    init(kind: Kind, owner: InodeID, hasAllPolicies: Bool) {
        self.kind = kind
        self.owner = owner
        self.hasAllPolicies = hasAllPolicies
    }

    var bytes: [UInt8] {
        var bytes = [kind.rawValue, hasAllPolicies ? 1 : 0]
        bytes.appendNumber(owner.rawValue)
        return bytes
    }

    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 10, let kind = Kind(rawValue: bytes[0]) else { return nil }
        self.init(kind: kind, owner: InodeID(rawValue: bytes.number(at: 2)), hasAllPolicies: bytes[1] == 1)
    }
}

extension [UInt8] {
    mutating func appendNumber(_ value: UInt64) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}

extension UnsafeRawBufferPointer {
    /// The big-endian number at `offset`; the caller has checked the length.
    func number(at offset: Int) -> UInt64 {
        UInt64(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}

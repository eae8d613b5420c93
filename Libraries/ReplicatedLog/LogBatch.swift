import Consensus
import Mutations
import Protocol

/// Items of any number of groups that go to disk together, packed as they lie there.
public struct LogBatch: Sendable {
    // Per item, little-endian: kind u8 · group u32 · index u64 · term u64 · length u32 · bytes.
    // In plain records: group u32 · index u64 · length u32 · bytes.
    private(set) var bytes: [UInt8] = []
    public private(set) var entryCount = 0
    /// Whether a base is among them.
    private(set) var hasBases = false
    /// Whether it makes the state grow, too.
    private(set) var hasCommands = false
    /// The writes that it completes, in order.
    private(set) var marks: [LogMark] = []

    public init() {}

    public var isEmpty: Bool { entryCount == 0 }
    /// The entries as they stand in a record.
    package var packedBytes: [UInt8] { bytes }
    /// Bytes that the entries take on disk, without the header of their record.
    public var byteCount: Int { bytes.count }

    /// Appends an entry. Those of one group come in index order.
    public mutating func append(_ entry: LogEntry, of group: LogGroupID) {
        let kind = PackedItem.Kind(rawValue: entry.kind.rawValue) ?? .command
        pack(kind, group, entry.index, entry.term, entry.bytes)
    }

    /// With what was appended so far, a write of `group` is complete.
    mutating func complete(_ write: WriteNumber, of group: LogGroupID) {
        if marks.last?.group == group { marks.removeLast() }
        marks.append(LogMark(group: group, write: write, end: bytes.count))
    }

    public mutating func append(_ item: LogItem, of group: LogGroupID) {
        switch item {
        case .entry(let entry): append(entry, of: group)
        case .cut(let index): pack(.cut, group, index, .zero, [])
        case .hardState(let bytes): pack(.hardState, group, .zero, .zero, bytes)
        case .base(let base): pack(.base, group, base.index, base.term, base.bytes)
        }
    }

    /// The newest hard states and bases of all groups that have any.
    static func summary(of contents: [LogGroupID: LogContents]) -> LogBatch {
        var batch = LogBatch()
        batch.pack(.summary, LogGroupID(rawValue: 0), .zero, .zero, [])
        for (group, contents) in contents.sorted(by: { $0.key < $1.key }) {
            if let base = contents.base { batch.append(.base(base), of: group) }
            if let hardState = contents.hardState { batch.append(.hardState(hardState), of: group) }
        }
        return batch
    }

    private mutating func pack(
        _ kind: PackedItem.Kind, _ group: LogGroupID, _ index: LogIndex, _ term: Term, _ content: [UInt8]
    ) {
        precondition(content.count <= UInt32.max)
        if kind == .base { hasBases = true }
        if kind == .command { hasCommands = true }
        bytes.append(kind.rawValue)
        append(group.rawValue)
        append(index.rawValue)
        append(term.rawValue)
        append(UInt32(content.count))
        bytes.append(contentsOf: content)
        entryCount += 1
    }

    private mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// The same items in batches of at most `limit` bytes; an item that is larger alone.
    func split(atBytes limit: Int) -> [LogBatch] {
        guard byteCount > limit else { return [self] }
        var parts = [LogBatch()]
        var (end, marks) = (0, marks[...])
        forEachItem { item in
            let size = LogFormat.chained.entryHeaderSize + item.bytes.count
            if let last = parts.last, !last.isEmpty, last.byteCount + size > limit { parts.append(LogBatch()) }
            parts[parts.count - 1].append(item)
            end += size
            while let mark = marks.first, mark.end <= end {
                parts[parts.count - 1].complete(mark.write, of: mark.group)
                marks.removeFirst()
            }
        }
        if Mutation.partsReportTheWhole.isPlanted { for part in parts.indices { parts[part].marks = self.marks } }
        return Mutation.partsLoseTheirOrder.isPlanted ? parts.reversed() : parts
    }

    mutating func append(_ item: PackedItem) {
        pack(item.kind, item.group, item.index, item.term, [UInt8](item.bytes))
    }

    /// Hands its items to `body`, in order.
    func forEachItem(_ body: (PackedItem) throws -> Void) rethrows {
        let isWhole = try bytes.withUnsafeBytes { try Self.forEach(in: $0, .chained, body) }
        precondition(isWhole, "a batch holds only what append wrote")
    }

    /// Hands its entries, cuts and bases to these, in their order. Entries are valid only during the call.
    package func forEach(
        entry: (LogGroupID, StoredEntry) -> Void, cut: (LogGroupID, LogIndex) -> Void,
        base: (LogGroupID, LogBase) -> Void
    ) {
        forEachItem { item in
            if let stored = item.stored { entry(item.group, stored) }
            if item.kind == .cut { cut(item.group, item.index) }
            if let stored = item.base { base(item.group, stored) }
        }
    }

    /// Reads packed items; false when they do not add up to exactly `packed`, or one is of a kind that is not known.
    static func forEach(
        in packed: UnsafeRawBufferPointer, _ format: LogFormat, _ body: (PackedItem) throws -> Void
    ) rethrows -> Bool {
        func number<Number: FixedWidthInteger>(at offset: Int, _: Number.Type) -> Number {
            Number(littleEndian: packed.loadUnaligned(fromByteOffset: offset, as: Number.self))
        }
        var offset = 0
        while offset < packed.count {
            guard packed.count - offset >= format.entryHeaderSize else { return false }
            // Plain records hold commands only, which have neither kind nor term.
            let isPlain = format == .plain
            guard let kind = isPlain ? .command : PackedItem.Kind(rawValue: packed[offset]) else { return false }
            let start = isPlain ? offset : offset + 1
            let group = number(at: start, UInt32.self)
            let index = number(at: start + 4, UInt64.self)
            let term = isPlain ? 0 : number(at: start + 12, UInt64.self)
            let length = Int(number(at: start + (isPlain ? 12 : 20), UInt32.self))
            offset += format.entryHeaderSize
            guard packed.count - offset >= length else { return false }
            let bytes = UnsafeRawBufferPointer(rebasing: packed[offset..<(offset + length)])
            try body(
                PackedItem(
                    kind: kind, group: LogGroupID(rawValue: group), index: LogIndex(rawValue: index),
                    term: Term(rawValue: term), bytes: bytes))
            offset += length
        }
        return true
    }
}

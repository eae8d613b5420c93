import Mutations
import Protocol

/// Entries of any number of groups that go to disk together, packed as they lie there.
public struct LogBatch: Sendable {
    // Per entry: group u32, index u64, length u32, bytes; little-endian.
    private(set) var bytes: [UInt8] = []
    public private(set) var entryCount = 0
    /// The last entry of each group in the batch.
    public private(set) var tails = LogTails()

    static let entryHeaderSize = 16

    public init() {}

    public var isEmpty: Bool { entryCount == 0 }
    /// The entries as they stand in a record.
    package var packedBytes: [UInt8] { bytes }
    /// Bytes that the entries take on disk, without the header of their record.
    public var byteCount: Int { bytes.count }

    /// Appends an entry. Those of one group come in index order.
    public mutating func append(_ entry: LogEntry, of group: LogGroupID) {
        precondition(entry.bytes.count <= UInt32.max)
        withUnsafeBytes(of: group.rawValue.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: entry.index.rawValue.littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt32(entry.bytes.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: entry.bytes)
        tails.advance(group, to: entry.index)
        entryCount += 1
    }

    /// The same entries in batches of at most `limit` bytes; an entry that is larger alone.
    func split(atBytes limit: Int) -> [LogBatch] {
        guard byteCount > limit else { return [self] }
        var parts = [LogBatch()]
        let isWhole = bytes.withUnsafeBytes { packed in
            Self.forEach(in: packed) { group, index, bytes in
                let entry = LogEntry(index: index, bytes: [UInt8](bytes))
                let size = Self.entryHeaderSize + bytes.count
                if let last = parts.last, !last.isEmpty, last.byteCount + size > limit { parts.append(LogBatch()) }
                parts[parts.count - 1].append(entry, of: group)
            }
        }
        precondition(isWhole, "a batch holds only what append wrote")
        if Mutation.partsReportTheWhole.isPlanted { for part in parts.indices { parts[part].tails = tails } }
        return Mutation.partsLoseTheirOrder.isPlanted ? parts.reversed() : parts
    }

    /// Reads packed entries; false when they do not add up to exactly `packed`.
    static func forEach(
        in packed: UnsafeRawBufferPointer,
        _ body: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void
    ) rethrows -> Bool {
        var offset = 0
        while offset < packed.count {
            guard packed.count - offset >= entryHeaderSize else { return false }
            let group = UInt32(littleEndian: packed.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
            let index = UInt64(littleEndian: packed.loadUnaligned(fromByteOffset: offset + 4, as: UInt64.self))
            let length = Int(UInt32(littleEndian: packed.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self)))
            offset += entryHeaderSize
            guard packed.count - offset >= length else { return false }
            let bytes = UnsafeRawBufferPointer(rebasing: packed[offset..<(offset + length)])
            try body(LogGroupID(rawValue: group), LogIndex(rawValue: index), bytes)
            offset += length
        }
        return true
    }
}

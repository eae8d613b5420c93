import Consensus
import Mutations
import Protocol

/// Entries of any number of groups that go to disk together, packed as they lie there.
public struct LogBatch: Sendable {
    // Per entry, little-endian: kind u8 · group u32 · index u64 · term u64 · length u32 · bytes.
    // In plain records: group u32 · index u64 · length u32 · bytes.
    private(set) var bytes: [UInt8] = []
    public private(set) var entryCount = 0
    /// The last entry of each group in the batch.
    public private(set) var tails = LogTails()

    /// What an entry is; there will be others.
    private static let command: UInt8 = 1

    public init() {}

    public var isEmpty: Bool { entryCount == 0 }
    /// The entries as they stand in a record.
    package var packedBytes: [UInt8] { bytes }
    /// Bytes that the entries take on disk, without the header of their record.
    public var byteCount: Int { bytes.count }

    /// Appends an entry. Those of one group come in index order.
    public mutating func append(_ entry: LogEntry, of group: LogGroupID) {
        precondition(entry.bytes.count <= UInt32.max)
        bytes.append(Self.command)
        append(group.rawValue)
        append(entry.index.rawValue)
        append(entry.term.rawValue)
        append(UInt32(entry.bytes.count))
        bytes.append(contentsOf: entry.bytes)
        tails.advance(group, to: entry.index)
        entryCount += 1
    }

    private mutating func append<Number: FixedWidthInteger>(_ number: Number) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// The same entries in batches of at most `limit` bytes; an entry that is larger alone.
    func split(atBytes limit: Int) -> [LogBatch] {
        guard byteCount > limit else { return [self] }
        var parts = [LogBatch()]
        let isWhole = bytes.withUnsafeBytes { packed in
            Self.forEach(in: packed, .chained) { packed in
                let entry = LogEntry(index: packed.index, term: packed.term, bytes: [UInt8](packed.bytes))
                let size = LogFormat.chained.entryHeaderSize + packed.bytes.count
                if let last = parts.last, !last.isEmpty, last.byteCount + size > limit { parts.append(LogBatch()) }
                parts[parts.count - 1].append(entry, of: packed.group)
            }
        }
        precondition(isWhole, "a batch holds only what append wrote")
        if Mutation.partsReportTheWhole.isPlanted { for part in parts.indices { parts[part].tails = tails } }
        return Mutation.partsLoseTheirOrder.isPlanted ? parts.reversed() : parts
    }

    /// An entry where it lies.
    struct PackedEntry {
        let group: LogGroupID
        let index: LogIndex
        let term: Term
        /// Valid only during the call.
        let bytes: UnsafeRawBufferPointer
    }

    /// Reads packed entries; false when they do not add up to exactly `packed`, or one is of a kind that is not known.
    static func forEach(
        in packed: UnsafeRawBufferPointer, _ format: LogFormat, _ body: (PackedEntry) throws -> Void
    ) rethrows -> Bool {
        func number<Number: FixedWidthInteger>(at offset: Int, _: Number.Type) -> Number {
            Number(littleEndian: packed.loadUnaligned(fromByteOffset: offset, as: Number.self))
        }
        var offset = 0
        while offset < packed.count {
            guard packed.count - offset >= format.entryHeaderSize else { return false }
            let group, length: UInt32
            let index: UInt64
            var term: UInt64 = 0
            switch format {
            case .plain:
                group = number(at: offset, UInt32.self)
                index = number(at: offset + 4, UInt64.self)
                length = number(at: offset + 12, UInt32.self)
            case .chained:
                guard packed[offset] == command else { return false }
                group = number(at: offset + 1, UInt32.self)
                index = number(at: offset + 5, UInt64.self)
                term = number(at: offset + 13, UInt64.self)
                length = number(at: offset + 21, UInt32.self)
            }
            offset += format.entryHeaderSize
            guard packed.count - offset >= Int(length) else { return false }
            let bytes = UnsafeRawBufferPointer(rebasing: packed[offset..<(offset + Int(length))])
            try body(
                PackedEntry(
                    group: LogGroupID(rawValue: group), index: LogIndex(rawValue: index), term: Term(rawValue: term),
                    bytes: bytes))
            offset += Int(length)
        }
        return true
    }
}

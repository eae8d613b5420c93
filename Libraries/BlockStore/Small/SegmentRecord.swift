import Erasure
import Protocol

/// What a segment is made of: a header, and for a block its pages with their checksums after it, as in a block's file.
///
/// ```
///  0 magic u32   4 kind u8, three zeros   8 block u64   16 batch u64   24 size u32 (data bytes)
/// 28 checksum of the data u32   32 zero u32   36 seal u32
/// ```
/// All little-endian. Every record is a multiple of four bytes long.
package struct SegmentRecord: Hashable, Sendable {
    package enum Kind: UInt8, Sendable {
        case block = 1, erasure
    }

    package var kind: Kind
    package var block: BlockID
    /// Rises by one with every sync: records of one number became durable together or not at all.
    package var batch: UInt64 = 0
    /// Data bytes, a multiple of the page size; 0 for an erasure.
    package var size: UInt32 = 0
    /// Of the data.
    var checksum: UInt32 = 0

    package static let headerSize = 40
    /// Everything is at a multiple of this.
    static let alignment = 4
    /// The largest block that a segment may hold, in data bytes.
    static let largestBlock = 256 << 10
    private static let magic: UInt32 = 0x5342_5453
    private static let sealOffset = 36

    /// More than can be reached by counting.
    static let largestBatch: UInt64 = 1 << 62

    /// Whether a block in a segment can have so many data bytes.
    static func isPossible(_ size: UInt32) -> Bool {
        size <= Self.largestBlock && Int(size) % PageChunk.pageSize == 0
    }

    /// Bytes of the pages.
    package var storedSize: Int { Int(size) / PageChunk.pageSize * PageChunk.storedPageSize }
    /// Bytes of header and pages.
    package var length: Int { Self.headerSize + storedSize }

    /// Writes the header to `bytes`.
    func encode(to bytes: UnsafeMutableRawPointer, in place: SegmentSeal) {
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: Self.headerSize)
        func put<T: FixedWidthInteger>(_ value: T, _ offset: Int) {
            bytes.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
        }
        put(Self.magic, 0)
        put(kind.rawValue, 4)
        put(block.rawValue, 8)
        put(batch, 16)
        put(size, 24)
        put(checksum, 28)
        put(place.sum(bytes, Self.sealOffset), Self.sealOffset)
    }

    /// Nil when these bytes are not a header that was written at this place.
    package init?(from bytes: UnsafeRawPointer, in place: SegmentSeal) {
        func get<T: FixedWidthInteger>(_ offset: Int, as: T.Type) -> T {
            T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
        }
        guard get(0, as: UInt32.self) == Self.magic, let kind = Kind(rawValue: get(4, as: UInt8.self)),
            get(Self.sealOffset, as: UInt32.self) == place.sum(bytes, Self.sealOffset)
        else { return nil }
        let size = get(24, as: UInt32.self)
        let batch = get(16, as: UInt64.self)
        guard Self.isPossible(size), kind == .block || size == 0, batch <= Self.largestBatch else { return nil }
        self.kind = kind
        self.size = size
        block = BlockID(rawValue: get(8, as: UInt64.self))
        self.batch = batch
        checksum = get(28, as: UInt32.self)
    }

    init(_ kind: Kind, _ block: BlockID, size: Int = 0, checksum: UInt32 = 0) {
        precondition(size <= Self.largestBlock)
        self.kind = kind
        self.block = block
        self.size = UInt32(size)
        self.checksum = checksum
    }

    /// Whether every page has its checksum.
    static func areWhole(_ pages: UnsafeRawBufferPointer) -> Bool {
        guard let base = pages.baseAddress else { return true }
        for offset in stride(from: 0, to: pages.count, by: PageChunk.storedPageSize) {
            let stored = pages.loadUnaligned(fromByteOffset: offset + PageChunk.pageSize, as: UInt32.self)
            let sum = Castagnoli.sum(base + offset, PageChunk.pageSize)
            guard UInt32(littleEndian: stored) == sum else { return false }
        }
        return true
    }
}

/// Binds headers to their disk and segment: a checksum that begins with the disk's secret. So neither what an old
/// segment left on the medium nor a block whose data looks like records is ever taken for one.
package struct SegmentSeal: Hashable, Sendable {
    private let seed: UInt32

    package init(_ key: SecretKey, segment: UInt64) {
        let words = [key.low.littleEndian, key.high.littleEndian, segment.littleEndian]
        seed = words.withUnsafeBytes { Castagnoli.sum($0) }
    }

    func sum(_ bytes: UnsafeRawPointer, _ count: Int) -> UInt32 { Castagnoli.sum(bytes, count, initial: seed) }
}

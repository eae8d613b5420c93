import CXXHash

/// The unit of writing: the entries of one write of all groups, under one hash.
///
/// On disk, little-endian, starting at a multiple of 512 bytes:
/// identity u64 · number u64 · first needed number u64 · payload length u32 · entry count u32 (31 bits; the top bit
/// says that it is chained) · hash u64 · hash of the record before u64 (if chained) · payload · zeros.
///
/// `number` counts the records of a log from 1. `identity` is a secret of the log, so that nothing a client can make
/// the log contain looks like a record, and leftovers of another log are not taken for ours. The hash covers
/// everything before and after it; so a record that is another than was written, however whole, does not fit the next.
package struct LogRecord: Equatable {
    static let alignment = 512
    private static let chainedBit: UInt32 = 1 << 31
    private static let hashOffset = 32

    var number: UInt64
    /// The oldest record still needed when this one was written: recovery must find all from there on.
    var firstNeeded: UInt64
    /// The hash of the record before, 0 if there was none; nil in a plain record.
    var previousHash: UInt64?
    var payloadCount: Int
    var entryCount: UInt32
    /// Over all of it, as it stands on disk.
    private(set) var hash: UInt64 = 0

    package init(number: UInt64, firstNeeded: UInt64, previousHash: UInt64?, payloadCount: Int, entryCount: UInt32) {
        self.number = number
        self.firstNeeded = firstNeeded
        self.previousHash = previousHash
        self.payloadCount = payloadCount
        self.entryCount = entryCount & ~Self.chainedBit
    }

    package var format: LogFormat { previousHash == nil ? .plain : .chained }

    /// Bytes that a record with this payload takes on disk.
    static func storedSize(payloadCount: Int, _ format: LogFormat) -> Int {
        (format.headerSize + payloadCount + alignment - 1) / alignment * alignment
    }

    package var storedSize: Int { Self.storedSize(payloadCount: payloadCount, format) }

    /// Writes header and padding around the payload that already stands behind the header's place in `buffer`.
    package mutating func seal(in buffer: UnsafeMutableRawBufferPointer, identity: UInt64) {
        buffer.storeBytes(of: identity.littleEndian, toByteOffset: 0, as: UInt64.self)
        buffer.storeBytes(of: number.littleEndian, toByteOffset: 8, as: UInt64.self)
        buffer.storeBytes(of: firstNeeded.littleEndian, toByteOffset: 16, as: UInt64.self)
        buffer.storeBytes(of: UInt32(payloadCount).littleEndian, toByteOffset: 24, as: UInt32.self)
        let count = previousHash == nil ? entryCount : entryCount | Self.chainedBit
        buffer.storeBytes(of: count.littleEndian, toByteOffset: 28, as: UInt32.self)
        if let previousHash { buffer.storeBytes(of: previousHash.littleEndian, toByteOffset: 40, as: UInt64.self) }
        let end = format.headerSize + payloadCount
        hash = Self.hash(UnsafeRawBufferPointer(buffer), end: end, identity: identity)
        buffer.storeBytes(of: hash.littleEndian, toByteOffset: Self.hashOffset, as: UInt64.self)
        UnsafeMutableRawBufferPointer(rebasing: buffer[end..<storedSize]).initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// The record at the start of `bytes`, nil when there is none or a damaged one.
    init?(at bytes: UnsafeRawBufferPointer, identity: UInt64) {
        guard let format = Self.claimedFormat(at: bytes, identity: identity) else { return nil }
        number = Self.word(8, bytes)
        firstNeeded = Self.word(16, bytes)
        payloadCount = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt32.self)))
        let count = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 28, as: UInt32.self))
        entryCount = count & ~Self.chainedBit
        // No log gets that far: counting on from there would overflow.
        guard (1...UInt64.max / 2).contains(number), (1...number).contains(firstNeeded) else { return nil }
        guard payloadCount <= bytes.count - format.headerSize else { return nil }
        if format == .chained { previousHash = Self.word(40, bytes) }
        hash = Self.word(Self.hashOffset, bytes)
        guard hash == Self.hash(bytes, end: format.headerSize + payloadCount, identity: identity) else { return nil }
    }

    /// Which record the header at the start of `bytes` claims to belong to, whether or not that is whole.
    static func claimedNumber(at bytes: UnsafeRawBufferPointer, identity: UInt64) -> UInt64? {
        claimedFormat(at: bytes, identity: identity) == nil ? nil : word(8, bytes)
    }

    /// In which format it claims to be.
    static func claimedFormat(at bytes: UnsafeRawBufferPointer, identity: UInt64) -> LogFormat? {
        guard bytes.count >= LogFormat.chained.headerSize, word(0, bytes) == identity else { return nil }
        let count = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 28, as: UInt32.self))
        return count & chainedBit == 0 ? .plain : .chained
    }

    private static func word(_ offset: Int, _ bytes: UnsafeRawBufferPointer) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// - Precondition: `bytes` holds everything up to `end`.
    private static func hash(_ bytes: UnsafeRawBufferPointer, end: Int, identity: UInt64) -> UInt64 {
        let before = XXH3_64bits_withSeed(bytes.baseAddress, hashOffset, identity)
        let rest = hashOffset + 8
        return XXH3_64bits_withSeed(bytes.baseAddress.map { $0 + rest }, end - rest, before)
    }
}

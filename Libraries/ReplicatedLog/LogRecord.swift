import CXXHash

/// The unit of writing: the entries of one write of all groups, under one hash.
///
/// On disk, little-endian, starting at a multiple of 512 bytes:
/// identity u64 · number u64 · first needed number u64 · payload length u32 · entry count u32 · hash u64 · payload ·
/// zeros. `number` counts the records of a log from 1. `identity` is a secret of the log, so that nothing a client can
/// make the log contain looks like a record, and leftovers of another log are not taken for ours. The hash covers
/// everything before and after it.
package struct LogRecord: Equatable {
    static let alignment = 512
    package static let headerSize = 40

    var number: UInt64
    /// The oldest record still needed when this one was written: recovery must find all from there on.
    var firstNeeded: UInt64
    var payloadCount: Int
    var entryCount: UInt32
    /// Over all of it, as it stands on disk.
    private(set) var hash: UInt64 = 0

    /// Bytes that a record with this payload takes on disk.
    static func storedSize(payloadCount: Int) -> Int {
        (headerSize + payloadCount + alignment - 1) / alignment * alignment
    }

    package var storedSize: Int { Self.storedSize(payloadCount: payloadCount) }

    /// Writes header and padding around the payload that already stands at `headerSize` of `buffer`.
    package func seal(in buffer: UnsafeMutableRawBufferPointer, identity: UInt64) {
        buffer.storeBytes(of: identity.littleEndian, toByteOffset: 0, as: UInt64.self)
        buffer.storeBytes(of: number.littleEndian, toByteOffset: 8, as: UInt64.self)
        buffer.storeBytes(of: firstNeeded.littleEndian, toByteOffset: 16, as: UInt64.self)
        buffer.storeBytes(of: UInt32(payloadCount).littleEndian, toByteOffset: 24, as: UInt32.self)
        buffer.storeBytes(of: entryCount.littleEndian, toByteOffset: 28, as: UInt32.self)
        let hash = Self.hash(UnsafeRawBufferPointer(buffer), payloadCount: payloadCount, identity: identity)
        buffer.storeBytes(of: hash.littleEndian, toByteOffset: 32, as: UInt64.self)
        let end = Self.headerSize + payloadCount
        UnsafeMutableRawBufferPointer(rebasing: buffer[end..<storedSize]).initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// The record at the start of `bytes`, nil when there is none or a damaged one.
    init?(at bytes: UnsafeRawBufferPointer, identity: UInt64) {
        guard bytes.count >= Self.headerSize,
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)) == identity
        else { return nil }
        number = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        firstNeeded = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        payloadCount = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt32.self)))
        entryCount = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 28, as: UInt32.self))
        // No log gets that far: counting on from there would overflow.
        guard (1...UInt64.max / 2).contains(number), (1...number).contains(firstNeeded) else { return nil }
        guard payloadCount <= bytes.count - Self.headerSize else { return nil }
        hash = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 32, as: UInt64.self))
        guard hash == Self.hash(bytes, payloadCount: payloadCount, identity: identity) else { return nil }
    }

    /// Which record the header at the start of `bytes` claims to belong to, whether or not that is whole.
    static func claimedNumber(at bytes: UnsafeRawBufferPointer, identity: UInt64) -> UInt64? {
        guard bytes.count >= headerSize,
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)) == identity
        else { return nil }
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    package init(number: UInt64, firstNeeded: UInt64, payloadCount: Int, entryCount: UInt32) {
        self.number = number
        self.firstNeeded = firstNeeded
        self.payloadCount = payloadCount
        self.entryCount = entryCount
    }

    /// - Precondition: `bytes` holds header and payload.
    private static func hash(_ bytes: UnsafeRawBufferPointer, payloadCount: Int, identity: UInt64) -> UInt64 {
        let header = XXH3_64bits_withSeed(bytes.baseAddress, 32, identity)
        return XXH3_64bits_withSeed(bytes.baseAddress.map { $0 + headerSize }, payloadCount, header)
    }
}

import Protocol

/// The parts of an edge's key, read back from the store.
struct EdgeKey {
    var directory: InodeID
    var isCurrent: Bool
    var nameHash: NameHash
    var name: [UInt8]
    /// The creation time of a snapshot edge; a current edge has it in its value.
    var snapshotTime: Timestamp

    /// Nil when the bytes are not an edge's key.
    init?(_ key: [UInt8]) {
        // shard, collection, directory 8, hash 8, length 1
        guard key.count >= 19 else { return nil }
        let head = key.bigEndian(at: 2)
        let length = Int(key[18])
        directory = InodeID(rawValue: head >> 1)
        isCurrent = head & 1 == 1
        nameHash = NameHash(rawValue: key.bigEndian(at: 10))
        guard key.count == 19 + length + (isCurrent ? 0 : 8) else { return nil }
        name = [UInt8](key[19..<19 + length])
        snapshotTime = Timestamp(nanoseconds: isCurrent ? 0 : key.bigEndian(at: 19 + length))
    }
}

extension [UInt8] {
    /// The eight bytes at `offset` as a big-endian number; the caller has checked the length.
    func bigEndian(at offset: Int) -> UInt64 {
        withUnsafeBytes { UInt64(bigEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
    }
}

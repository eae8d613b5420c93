/// As `system.posix_acl_access` and `system.posix_acl_default` have it: a version, then entries of eight bytes, all in
/// little-endian order.
extension AccessControlList {
    private static let version: UInt32 = 2
    /// Of a list without an entry.
    static let headerBytes = 4
    private static let entryBytes = 8

    /// Nil for what is none.
    package init?(encoded bytes: [UInt8]) {
        let size = bytes.count - Self.headerBytes
        guard size >= 0, size % Self.entryBytes == 0, Self.number(bytes, 0, 4) == Self.version else { return nil }
        var entries: [Entry] = []
        for start in stride(from: Self.headerBytes, to: bytes.count, by: Self.entryBytes) {
            guard let tag = Tag(rawValue: UInt16(Self.number(bytes, start, 2))) else { return nil }
            let id = tag.isNamed ? Self.number(bytes, start + 4, 4) : Entry.nobody
            entries.append(Entry(tag, UInt16(Self.number(bytes, start + 2, 2)), id: id))
        }
        self.init(entries)
    }

    package var encoded: [UInt8] {
        var bytes = Self.bytes(Self.version, 4)
        for entry in entries {
            bytes += Self.bytes(UInt32(entry.tag.rawValue), 2)
            bytes += Self.bytes(UInt32(entry.permissions), 2)
            bytes += Self.bytes(entry.id, 4)
        }
        return bytes
    }

    private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> UInt32 {
        bytes[start..<start + count].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func bytes(_ number: UInt32, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}

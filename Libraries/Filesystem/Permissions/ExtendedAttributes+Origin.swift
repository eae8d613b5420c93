import Protocol

// A version that was published with what an inode of another shard had: no shard can look at that one and publish in
// the same step, so it may have been given other rights meanwhile. Until the version is complete its origin counts.
// That stands among the extended attributes of the version, which shards change all or nothing; nobody else sees or
// sets it.

extension ExtendedAttributes {
    /// In no namespace of anybody's.
    static let origin = Array("sterna.origin".utf8)
    /// As the limit counts it.
    static let originBytes = origin.count + 8 + AttributeLimits.extendedOverhead

    static func encoded(origin: InodeID) -> [UInt8] {
        withUnsafeBytes(of: origin.rawValue.littleEndian) { Array($0) }
    }

    /// The inode that counts; nil: it is complete. One that makes no sense is null.
    static func origin(in list: [ExtendedAttribute]) -> InodeID? {
        guard let value = list.first(where: { $0.name == origin })?.value else { return nil }
        guard value.count == 8 else { return .null }
        return InodeID(rawValue: value.reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }
}

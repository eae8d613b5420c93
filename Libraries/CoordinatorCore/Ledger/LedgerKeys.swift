import Protocol

/// The layout of the coordinator's part of the state store: prefix, one letter, big-endian numbers.
struct LedgerKeys {
    enum Space: UInt8, CaseIterable {
        /// Applied index, last transaction id, last reserved directory id and number.
        case meta = 0x6d  // m
        /// Transaction id → origin and request.
        case begun = 0x74  // t
        /// Directory id → nothing.
        case reserved = 0x64  // d
        /// Where the group stands.
        case standing = 0x73  // s
        /// Directory id → owner.
        case parents = 0x70  // p
        /// Sequence number → time and remembered reply.
        case replies = 0x72  // r
    }

    let prefix: [UInt8]

    func first(of space: Space) -> [UInt8] { prefix + [space.rawValue] }
    func end(of space: Space) -> [UInt8] { prefix + [space.rawValue + 1] }

    var meta: [UInt8] { first(of: .meta) }
    var standing: [UInt8] { first(of: .standing) }

    func key(_ space: Space, _ number: UInt64) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(prefix.count + 9)
        key += prefix
        key.append(space.rawValue)
        withUnsafeBytes(of: number.bigEndian) { key.append(contentsOf: $0) }
        return key
    }

    /// The number at the end of a key that `key(_:_:)` made; nil when the key has another shape.
    func number(of key: [UInt8]) -> UInt64? {
        guard key.count == prefix.count + 9 else { return nil }
        return key.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

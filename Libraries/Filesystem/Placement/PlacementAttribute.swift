/// Extended attributes that nobody sets: they tell where a file or directory is. Of names that begin like these there
/// are no others, and no list names them, so nobody copies them. Pure.
package enum PlacementAttribute: Hashable, Sendable {
    case inode
    case shard
    case policy
    /// From the span on that covers this byte: all of a large file do not fit into one value.
    case spans(from: UInt64)
    case blocks(from: UInt64)

    private static let prefix = "user.sterna."

    /// Whether a name is one of those that can only be read.
    package static func reserves(_ name: [UInt8]) -> Bool { name.starts(with: prefix.utf8) }

    /// `user.sterna.inode`, or `user.sterna.spans@OFFSET`; nil: there is none of that name.
    package init?(_ name: [UInt8]) {
        guard Self.reserves(name) else { return nil }
        let words = name.dropFirst(Self.prefix.utf8.count).split(
            separator: UInt8(ascii: "@"), maxSplits: 1, omittingEmptySubsequences: false
        ).map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 1 || words[1].utf8.first.map({ (0x30...0x39).contains($0) }) == true else { return nil }
        let offset = words.count == 1 ? 0 : UInt64(words[1])
        switch (words[0], offset) {
        case ("inode", 0) where words.count == 1: self = .inode
        case ("shard", 0) where words.count == 1: self = .shard
        case ("policy", 0) where words.count == 1: self = .policy
        case ("spans", let offset?): self = .spans(from: offset)
        case ("blocks", let offset?): self = .blocks(from: offset)
        default: return nil
        }
    }

    /// The name under which a list that was cut goes on.
    static func name(of kind: String, from offset: UInt64) -> String { "\(prefix)\(kind)@\(offset)" }
}

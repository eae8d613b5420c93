import Client
import Protocol

/// Takes the names of a directory in order, as many as it has room for. Called on the filesystem's loop.
public protocol ListingSink {
    /// Whether names come with attributes; each that does counts as a reference of its node.
    var wantsAttributes: Bool { get }
    /// Bytes that are left.
    var room: Int { get }

    /// The bytes of an entry whose name has so many.
    func size(nameBytes: Int) -> Int

    /// Takes an entry, for which there is room.
    mutating func append(_ entry: ListedEntry)
}

/// What kind of file a name in a listing leads to, if it leads to a file.
public enum FileNature: Hashable, Sendable {
    case ordinary
    case special(SpecialFile)
    /// It may be a special one, and nobody has asked.
    case unknown
}

/// A name in a listing.
public struct ListedEntry: Sendable {
    public let name: [UInt8]
    public let node: NodeID
    public let type: InodeType
    public let nature: FileNature
    /// What it leads to; nil when nobody wanted to know or it could not be found out. Then nothing is counted.
    public let entry: Entry?
    /// Where a listing goes on after it.
    public let next: UInt64
}

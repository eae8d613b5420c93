import Wire

/// What an inode is (wire-protocol.md 8). Open: other numbers decode, too.
@frozen
public struct InodeType: RawWireValue, Hashable, CustomStringConvertible {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let directory = InodeType(rawValue: 1)
    public static let file = InodeType(rawValue: 2)
    public static let symlink = InodeType(rawValue: 3)

    public var description: String {
        switch self {
        case .directory: "DIRECTORY"
        case .file: "FILE"
        case .symlink: "SYMLINK"
        default: "InodeType(\(rawValue))"
        }
    }
}

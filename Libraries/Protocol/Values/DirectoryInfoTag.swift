import Wire

/// Which policy an entry of a directory's info holds (wire-protocol.md 11). Open: unknown tags are kept.
@frozen
public struct DirectoryInfoTag: RawWireValue, Hashable, Comparable, CustomStringConvertible {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let snapshot = DirectoryInfoTag(rawValue: 1)
    public static let span = DirectoryInfoTag(rawValue: 2)
    public static let block = DirectoryInfoTag(rawValue: 3)
    public static let stripe = DirectoryInfoTag(rawValue: 4)
    /// Sterna's own, which the reference does not have.
    public static let continuation = DirectoryInfoTag(rawValue: 64)

    /// What the root directory must define, in ascending order.
    public static let known: [DirectoryInfoTag] = [.snapshot, .span, .block, .stripe]

    @inlinable
    public static func < (left: DirectoryInfoTag, right: DirectoryInfoTag) -> Bool { left.rawValue < right.rawValue }

    public var description: String {
        switch self {
        case .snapshot: "SNAPSHOT"
        case .span: "SPAN"
        case .block: "BLOCK"
        case .stripe: "STRIPE"
        case .continuation: "CONTINUATION"
        default: "DirectoryInfoTag(\(rawValue))"
        }
    }
}

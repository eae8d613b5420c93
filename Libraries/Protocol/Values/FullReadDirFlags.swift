import Wire

/// Where and how FULL_READ_DIR goes on (wire-protocol.md 16).
@frozen
public struct FullReadDirFlags: OptionSet, RawWireValue, Hashable {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The cursor is among the current edges.
    public static let current = FullReadDirFlags(rawValue: 1)
    /// Descending.
    public static let backwards = FullReadDirFlags(rawValue: 2)
    /// Only edges with the start name.
    public static let sameName = FullReadDirFlags(rawValue: 4)
}

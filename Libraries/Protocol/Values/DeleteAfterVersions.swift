import Wire

/// How many snapshots of a name are kept: bit 15 is "active", the rest the number.
@frozen
public struct DeleteAfterVersions: RawWireValue, Hashable {
    public var rawValue: UInt16

    @inlinable
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Active, with this many versions (bit 15 is left out); nil: inactive.
    @inlinable
    public init(versions: UInt16?) {
        rawValue = versions.map { $0 | 1 << 15 } ?? 0
    }

    /// The number of versions alone never removes a snapshot.
    public static let inactive = DeleteAfterVersions(rawValue: 0)

    /// The number of versions to keep; nil when inactive.
    @inlinable
    public var versions: UInt16? { rawValue >> 15 == 0 ? nil : rawValue & ~(1 << 15) }
}

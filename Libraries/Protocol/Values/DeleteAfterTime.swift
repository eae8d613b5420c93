import Wire

/// After how long a snapshot is removed: bit 63 is "active", the rest nanoseconds.
@frozen
public struct DeleteAfterTime: RawWireValue, Hashable {
    public var rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Active, with this many nanoseconds (bit 63 is left out); nil: inactive.
    @inlinable
    public init(nanoseconds: UInt64?) {
        rawValue = nanoseconds.map { $0 | 1 << 63 } ?? 0
    }

    /// Time alone never removes a snapshot.
    public static let inactive = DeleteAfterTime(rawValue: 0)

    /// The age in nanoseconds from which a snapshot may be removed; nil when inactive.
    @inlinable
    public var nanoseconds: UInt64? { rawValue >> 63 == 0 ? nil : rawValue & ~(1 << 63) }
}

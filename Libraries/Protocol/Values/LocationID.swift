import Wire

/// The number of a location (a site that keeps copies of its own).
@frozen
public struct LocationID: RawWireValue, Hashable, Comparable, CustomStringConvertible {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The location every cluster has from the start.
    public static let `default` = LocationID(rawValue: 0)
    /// Reserved: never the number of a location.
    public static let invalid = LocationID(rawValue: 255)

    @inlinable
    public static func < (left: LocationID, right: LocationID) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}

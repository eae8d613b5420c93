import Wire

/// How a span or a block is kept. Open: above `inline` any number is a class of disks.
@frozen
public struct StorageClass: RawWireValue, Hashable, CustomStringConvertible {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// A span without data.
    public static let empty = StorageClass(rawValue: 0)
    /// A span whose data stands in the metadata.
    public static let inline = StorageClass(rawValue: 1)
    public static let hdd = StorageClass(rawValue: 2)
    public static let flash = StorageClass(rawValue: 3)

    public var description: String {
        switch self {
        case .empty: "EMPTY"
        case .inline: "INLINE"
        case .hdd: "HDD"
        case .flash: "FLASH"
        default: "StorageClass(\(rawValue))"
        }
    }
}

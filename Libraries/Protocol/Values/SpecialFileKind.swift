import Wire

/// What a special file is: bits 12 to 15 of st_mode.
@frozen
public struct SpecialFileKind: RawWireValue, Hashable, CustomStringConvertible {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// An ordinary file, symbolic link or directory.
    public static let none = SpecialFileKind(rawValue: 0)
    public static let fifo = SpecialFileKind(rawValue: 1)
    public static let characterDevice = SpecialFileKind(rawValue: 2)
    public static let blockDevice = SpecialFileKind(rawValue: 6)
    public static let socket = SpecialFileKind(rawValue: 12)

    /// Whether it comes with a device number.
    @inlinable public var isDevice: Bool { self == .characterDevice || self == .blockDevice }

    @inlinable
    public var isValidOnWire: Bool { [0, 1, 2, 6, 12].contains(rawValue) }

    public var description: String {
        switch self {
        case .none: "ordinary"
        case .fifo: "FIFO"
        case .characterDevice: "character device"
        case .blockDevice: "block device"
        case .socket: "socket"
        default: "SpecialFileKind(\(rawValue))"
        }
    }
}

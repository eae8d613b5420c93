import Wire

/// What is to be done to an extended attribute, as setxattr(2) and removexattr(2) want it.
@frozen
public struct ExtendedOperation: RawWireValue, Hashable, CustomStringConvertible {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// It gets the value, whether or not there is one of that name.
    public static let set = ExtendedOperation(rawValue: 0)
    /// Refused if there is one of that name.
    public static let create = ExtendedOperation(rawValue: 1)
    /// Refused if there is none.
    public static let replace = ExtendedOperation(rawValue: 2)
    /// Refused if there is none.
    public static let remove = ExtendedOperation(rawValue: 3)

    /// Afterwards there is none, whether or not there was.
    public static let drop = ExtendedOperation(rawValue: 4)

    @inlinable public var isValidOnWire: Bool { rawValue <= 4 }

    /// Whether there is none of that name afterwards.
    public var removes: Bool { self == .remove || self == .drop }

    public var description: String {
        switch self {
        case .set: "set"
        case .create: "create"
        case .replace: "replace"
        case .remove: "remove"
        case .drop: "drop"
        default: "ExtendedOperation(\(rawValue))"
        }
    }
}

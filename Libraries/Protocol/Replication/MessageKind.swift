import Wire

/// Which message of a group follows a header.
@frozen
public struct MessageKind: RawWireValue, Hashable {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let askVote = MessageKind(rawValue: 1)
    public static let vote = MessageKind(rawValue: 2)
    public static let append = MessageKind(rawValue: 3)
    public static let appended = MessageKind(rawValue: 4)
    public static let takeOver = MessageKind(rawValue: 5)
    public static let offer = MessageKind(rawValue: 6)
    public static let forgot = MessageKind(rawValue: 7)

    @inlinable
    public var isValidOnWire: Bool { (1...7).contains(rawValue) }
}

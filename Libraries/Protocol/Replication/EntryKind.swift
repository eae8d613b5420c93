import Wire

/// What an entry of a group's log is.
@frozen
public struct EntryKind: RawWireValue, Hashable {
    public var rawValue: UInt8

    @inlinable
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// What was proposed, for the state machine.
    public static let command = EntryKind(rawValue: 1)
    /// What a leader begins its term with.
    public static let beginning = EntryKind(rawValue: 2)
    /// Who belongs to the group.
    public static let configuration = EntryKind(rawValue: 3)

    @inlinable
    public var isValidOnWire: Bool { (1...3).contains(rawValue) }
}

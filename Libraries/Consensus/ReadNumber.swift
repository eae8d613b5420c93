/// Names a read that waits until it is known that its leader still leads.
public struct ReadNumber: RawRepresentable, Hashable, Sendable {
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }
}

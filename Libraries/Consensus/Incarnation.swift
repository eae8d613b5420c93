/// One life of a replica's disk, a number that is never used twice: a disk that was wiped is a new incarnation, and
/// never speaks for the old one.
public struct Incarnation: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public var description: String { "incarnation \(rawValue)" }
}

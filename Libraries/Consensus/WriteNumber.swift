/// Numbers what one replica wants written, in order, from 1 on; 0 is before the first. Numbers begin anew with the
/// process.
public struct WriteNumber: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// What follows this follows nothing.
    public static let none = WriteNumber(rawValue: 0)

    var next: WriteNumber { WriteNumber(rawValue: rawValue &+ 1) }

    public static func < (left: WriteNumber, right: WriteNumber) -> Bool { left.rawValue < right.rawValue }

    public var description: String { "write \(rawValue)" }
}

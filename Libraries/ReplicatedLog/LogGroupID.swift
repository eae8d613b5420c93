/// Which log group of a process an entry belongs to: a shard number, or whatever else the service numbers its groups
/// by.
public struct LogGroupID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    public static func < (left: LogGroupID, right: LogGroupID) -> Bool { left.rawValue < right.rawValue }

    public var description: String { "log group \(rawValue)" }
}

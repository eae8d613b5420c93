import Wire

/// The number of a transaction; later transactions have larger numbers. 0 is none.
public struct TransactionID: RawWireValue, Hashable, Comparable, CustomStringConvertible {
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    var next: TransactionID { TransactionID(rawValue: rawValue &+ 1) }

    public static func < (left: TransactionID, right: TransactionID) -> Bool { left.rawValue < right.rawValue }

    public var description: String { String(rawValue) }
}

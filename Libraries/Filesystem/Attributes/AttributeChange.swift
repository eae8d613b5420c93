import Protocol

/// What somebody wants to change of a node's attributes, of what is stored.
public struct AttributeChange: Sendable {
    public enum Time: Sendable {
        case now
        case at(Timestamp)
    }

    /// Bytes.
    public var size: UInt64?
    public var modified: Time?
    public var accessed: Time?

    public init(size: UInt64? = nil, modified: Time? = nil, accessed: Time? = nil) {
        self.size = size
        self.modified = modified
        self.accessed = accessed
    }
}

extension AttributeChange.Time {
    package func timestamp(_ now: Timestamp) -> Timestamp {
        switch self {
        case .now: now
        case .at(let time): time
        }
    }
}

import Protocol

/// What somebody wants to change of a node's attributes.
public struct AttributeChange: Sendable {
    public enum Time: Sendable {
        case now
        case at(Timestamp)
    }

    /// Bytes.
    public var size: UInt64?
    public var modified: Time?
    public var accessed: Time?
    /// The twelve bits of chmod(2).
    public var mode: UInt16?
    public var user: UInt32?
    public var group: UInt32?
    /// Whether it says nothing, as chown(2) of nobody to nobody: that takes rights and moves the ctime all the same.
    var isEmpty: Bool {
        size == nil && modified == nil && accessed == nil && mode == nil && user == nil && group == nil
    }
    /// A front end knows that whoever changes the size may not leave it the right to run as its owner.
    public var clearsPrivileges = false

    public init(
        size: UInt64? = nil, modified: Time? = nil, accessed: Time? = nil, mode: UInt16? = nil, user: UInt32? = nil,
        group: UInt32? = nil
    ) {
        self.size = size
        self.modified = modified
        self.accessed = accessed
        self.mode = mode
        self.user = user
        self.group = group
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

/// A handle, and what whoever holds it may cache.
public struct OpenedFile: Sendable {
    public let handle: HandleID
    /// What is cached of the node's contents is still right.
    public var keepsCache = true
    /// Nobody has to be told when a descriptor of it is closed, only at the last release.
    public var hasSilentCloses = false
}

/// A new file and the handle of whoever made it.
public struct CreatedFile: Sendable {
    public let entry: Entry
    public let opened: OpenedFile
}

/// Tells handles apart; never used again.
public struct HandleID: Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

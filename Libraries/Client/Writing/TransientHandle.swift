import Protocol

/// A file under construction and the right to change it.
public struct TransientHandle: Hashable, Sendable {
    public let id: InodeID
    public let cookie: Cookie

    public init(id: InodeID, cookie: Cookie) {
        self.id = id
        self.cookie = cookie
    }
}

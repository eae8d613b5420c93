import Protocol

/// The version of a file that a continuation begins with.
struct Base: Sendable {
    /// Null: there was no file.
    var id: InodeID
    var size: UInt64

    static let nothing = Base(id: .null, size: 0)
}

import Protocol

/// What the name of a staged file must lead to when it takes it.
enum Base: Equatable {
    /// Whatever it is: that is replaced.
    case anything
    /// Nothing.
    case nothing
    /// The version that it began with, of so many bytes.
    case version(InodeID, size: UInt64)
}

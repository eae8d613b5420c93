/// Tells who creates files: a front end's part of the rule that a file appears when its creator closes it.
public protocol Creators: Sendable {
    /// Remembers who begins a file. Asked once for each file; called on the filesystem's loop.
    nonisolated(nonsending) func creator(_ caller: Caller) async -> any Creator
}

/// Whoever began one file, and the judge of its closes. Called on the filesystem's loop.
public protocol Creator: Sendable {
    /// What it means that `caller` closes a descriptor of the file.
    nonisolated(nonsending) func verdict(on file: UnfinishedFile, closedBy caller: Caller) async -> CloseVerdict

    /// Whether the creator still has the file open: asked when the filesystem ends under it.
    nonisolated(nonsending) func holds(_ file: UnfinishedFile) async -> Bool
}

/// What the judge of a close may want to know of the file.
public struct UnfinishedFile: Sendable {
    public let node: NodeID
    /// Every name that observers may know it by.
    public let names: Set<[UInt8]>
    /// Open handles, that which is being closed among them.
    public let handles: Int
    /// Bytes so far.
    public let size: UInt64
}

/// What the closing of a descriptor means.
public enum CloseVerdict: Hashable, Sendable {
    /// Nothing yet; the last release will publish the file if nothing else does.
    case unfinished
    /// The creator closed its last descriptor: publish now, and let close(2) tell how it went.
    case complete
    /// The creator ends in good order with the file open: the last release will publish it.
    case exiting
    /// The creator was killed: the last release will scrap the file.
    case killed
}

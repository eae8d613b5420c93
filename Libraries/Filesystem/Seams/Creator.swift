/// Tells who writes files: a front end's part of the rule that what was written appears when whoever wrote it closes.
public protocol Creators: Sendable {
    /// Remembers who opens a file to write. Called on the filesystem's loop.
    nonisolated(nonsending) func creator(_ caller: Caller) async -> any Creator

    /// Whether somebody belongs to a group which is not that of what he makes; false where that cannot be told.
    nonisolated(nonsending) func belongs(_ caller: Caller, to group: UInt32) async -> Bool

    /// Whether somebody who is not root has a right of root over what belongs to these; false where nobody can tell.
    /// - Parameter group: nil: whatever it is.
    nonisolated(nonsending) func has(
        _ right: SuperuserRight, _ caller: Caller, over user: UInt32, _ group: UInt32?
    ) async -> Bool
}

/// Rights of root that others can have as well: capabilities(7).
public enum SuperuserRight: Sendable {
    /// To give away what is somebody else's: CAP_CHOWN.
    case givesAway
    /// To do what only owners may: CAP_FOWNER.
    case actsAsOwner
    /// To let a program run as a group that one is not in: CAP_FSETID.
    case keepsSetGroup
}

/// Whoever opened a file to write, and the judge of closes of his handle. Called on the filesystem's loop.
public protocol Creator: Sendable {
    /// What it means that `caller` closes a descriptor of his handle.
    nonisolated(nonsending) func verdict(on file: UnfinishedFile, closedBy caller: Caller) async -> CloseVerdict

    /// Whether he still has the file open: asked when the filesystem ends under him.
    nonisolated(nonsending) func holds(_ file: UnfinishedFile) async -> Bool
}

/// What the judge of a close may want to know of the file.
public struct UnfinishedFile: Sendable {
    public let node: NodeID
    /// Every name that observers may know it by.
    public let names: Set<[UInt8]>
    /// Open handles that can write, that which is being closed among them.
    public let handles: Int
}

/// What the closing of a descriptor means.
public enum CloseVerdict: Hashable, Sendable {
    /// Nothing yet; the last release will publish the file if nothing else does.
    case unfinished
    /// He closed his last descriptor: publish now, and let close(2) tell how it went.
    case complete
    /// He ends in good order with the file open: the last release will publish it.
    case exiting
    /// He was killed: the last release will scrap the file, unless others have written to it.
    case killed
}

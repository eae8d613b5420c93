import Client
import MaintenanceState
import Protocol

/// What scrubbing tells about itself: for the log and counters.
public enum ScrubEvent: Sendable {
    /// A block was read, whatever came of it.
    case checked(bytes: UInt64)
    /// A damaged block, after it was dealt with, or one without an answer.
    case found(DamageFinding)
    /// A disk gave a device error and was asked no further.
    case deviceError(ScrubDisk, BlockID)
    /// A pass over a disk is complete.
    case passEnded(ScrubDisk, DiskRecord)
    /// A pass broke off; it goes on from there later.
    case passInterrupted(ScrubDisk, ScrubInterruption)
    /// The registry could not be asked.
    case noDisks(ClientError)
    /// The state could not be read or written; nothing is begun until it can be, and this is told once.
    case stateError(MaintenanceStateError)
    /// The state can be written again.
    case stateWorksAgain
}

/// Why a pass over a disk broke off.
public enum ScrubInterruption: Error, Hashable, Sendable, CustomStringConvertible {
    /// The work is to end.
    case cancelled
    /// The disk's checks failed, one after another, as if the disk were bad.
    case deviceErrors
    /// The registry says that the disk is not to be read from, or not there.
    case notReadable(BlockServiceFlags)
    /// Nobody answers for the disk, or a shard does not.
    case noAnswer(ClientError)
    /// What was found cannot be remembered.
    case notRemembered(String)

    public var description: String {
        switch self {
        case .cancelled: "scrubbing ends"
        case .deviceErrors: "the disk seems bad; decommission it so that its blocks are rebuilt elsewhere"
        case .notReadable(let flags): "the disk is not readable now (flags \(flags))"
        case .noAnswer(let error): "\(error)"
        case .notRemembered(let reason): reason
        }
    }
}

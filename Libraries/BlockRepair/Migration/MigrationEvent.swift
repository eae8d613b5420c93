import Client
import Protocol

/// What a migrator tells whoever runs it; for the log and the counters.
package enum MigrationEvent: Sendable {
    /// Services that hold files are to be evacuated, in a set other than before.
    case began([BlockServiceDeprecatedInfo])
    /// About once a minute while there is something to do, and at the end of each pass.
    case progress(MigrationProgress)
    /// A file was dealt with.
    case file(InodeID, RepairTally)
    /// Blocks that could not be moved in this pass.
    case failed(RepairError)
    /// No shard knows a file with a block on the service any more.
    case empty(BlockServiceDeprecatedInfo)
    /// The registry or a shard could not be asked. What it would have said is left to the next pass.
    case trouble(ClientError)
}

import Consensus
import Protocol
import Store

/// A snapshot that a replica is fetching.
struct IncomingSnapshot {
    let base: SnapshotBase
    let leader: Member
    let replacement: StateReplacement
    /// When it was asked for last.
    var askedAt: BootInstant

    /// The last key that came; of no bytes: none has.
    var last: [UInt8] { replacement.lastKey ?? [] }

    /// After so long without a part it is asked for again.
    static let patience = BootSpan.milliseconds(500)
}

import Consensus

/// That a write of a group is complete: when what was packed up to there is durable, so is the write.
struct LogMark: Equatable, Sendable {
    let group: LogGroupID
    let write: WriteNumber
    /// Where its last item ends, in the packed bytes of its batch.
    let end: Int
}

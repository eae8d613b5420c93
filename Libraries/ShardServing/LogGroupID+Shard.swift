import Protocol
import ReplicatedLog

extension LogGroupID {
    /// Each shard's log group has the shard's number.
    package init(_ shard: ShardID) {
        self.init(rawValue: UInt32(shard.rawValue))
    }
}

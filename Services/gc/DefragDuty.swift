import Client
import Protocol
import Relayout

extension RelayoutOptions {
    /// Storing spans anew, a round over all directories at a time.
    func defragDuty(_ context: GcContext, requestsPerSecond: UInt32) -> Duty {
        let cluster = LiveDefragCluster(
            client: context.client, requestsPerSecond: requestsPerSecond, bytesPerSecond: defragBytesPerSecond)
        let logger = context.logger
        let defragmenter = Defragmenter(cluster: cluster, filter: filter, filesAtOnce: defragFilesAtOnce) {
            shard, inode, error in
            logger.warning("defrag: shard \(shard)\(inode.map { ", inode \($0)" } ?? ""): \(error)")
        }
        // The rate of bytes is what keeps it gentle: a round may take weeks, and the next one need not wait for years.
        return Duty(
            "defrag", every: defragInterval, shardsAtOnce: defragShardsAtOnce, restFactor: 0
        ) { shard, place, reached in
            let tally = await defragmenter.defragment(shard, from: place, reached: reached)
            return DutyCounts(tally.counts, failures: tally.failures)
        }
    }
}

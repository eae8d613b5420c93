import GarbageCollection
import Protocol

/// The duties that free space.
extension GcOptions {
    func collectionDuties(_ context: GcContext) -> [Duty] {
        let rounds = rounds(context)
        var duties: [Duty] = []
        if collectDirectories {
            duties.append(
                Duty("collect", every: collectInterval, shardsAtOnce: shardsAtOnce) { shard, place, reached in
                    DutyCounts(await rounds.collectDirectories(of: shard, from: place, reached: reached))
                })
        }
        if destructFiles {
            duties.append(
                Duty("destruct", every: destructInterval, shardsAtOnce: shardsAtOnce) { shard, place, reached in
                    DutyCounts(await rounds.destroyFiles(of: shard, from: place, reached: reached))
                })
        }
        if zeroBlockServices {
            duties.append(
                Duty("index", every: indexInterval, shardsAtOnce: shardsAtOnce) { shard, place, reached in
                    DutyCounts(await rounds.cleanIndex(of: shard, from: place, reached: reached))
                })
        }
        return duties
    }

    private func rounds(_ context: GcContext) -> ShardRounds<LiveCluster> {
        let second: UInt64 = 1_000_000_000
        let (cluster, logger) = (context.cluster, context.logger)
        return ShardRounds(
            cluster: cluster,
            collector: DirectoryCollector(
                cluster: cluster, minimumAgeNanoseconds: UInt64(collectDirectoriesMinEdgeAge) * second),
            destructor: FileDestructor(
                cluster: cluster, marginNanoseconds: UInt64(destructMargin) * second,
                pauseNanoseconds: UInt64(destructPause) * second, erasuresPerDisk: erasuresPerDisk),
            filesAtOnce: destructFilesAtOnce
        ) { shard, item, error in
            // What fails because the service ends is no news.
            guard !Task.isCancelled else { return }
            logger.warning("shard \(shard)\(item.map { ", inode \($0)" } ?? ""): \(error)")
        }
    }
}

extension DutyCounts {
    fileprivate init(_ tally: Tally) {
        self.init(tally.counts, failures: tally.failures)
    }
}

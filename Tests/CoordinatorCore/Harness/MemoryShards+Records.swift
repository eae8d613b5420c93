import Protocol
import ShardCore
import Store
import TestShards

// What lies in the store of the shards.

extension MemoryShards {
    /// Every record of every shard but those that say how many entries were applied.
    func namespace() throws -> [[UInt8]] {
        try records { $0[1...] != [1, 2] }
    }

    /// Of each shard, how many answers it remembers for the coordinator.
    func rememberedReplies() throws -> [Int] {
        let shards = try records { $0[1] == 8 && $0.count == 10 }
        return cores.keys.map { shard in shards.count { $0.first == shard.rawValue && $0.count == 10 && $0[1] == 8 } }
    }

    private func records(_ isWanted: ([UInt8]) -> Bool) throws -> [[UInt8]] {
        let iterator = store.iterator(from: [], upTo: nil)
        iterator.seekToFirst()
        var records: [[UInt8]] = []
        while iterator.isValid {
            if isWanted(iterator.key) { records += [iterator.key, iterator.value] }
            iterator.next()
        }
        try iterator.checkStatus()
        return records
    }
}

import Protocol

// Numbers for new blocks (metadata.md A.2).

extension ShardCore {
    /// So many numbers that were not given out before.
    func takeNumbers(_ count: Int, for entry: ShardLogEntry) throws(ShardFailure) -> [BlockID] {
        // Older versions had no clock in their entries, and what they made of them has to come out again.
        guard let clock = entry.clock else { return takeNumbers(count, after: entry.time) }
        var numbers = try numbersInUse(at: clock)
        var ids: [BlockID] = []
        for _ in 0..<count {
            // Block services would refuse it. The writer tries again, and the clock may be right then.
            guard let id = numbers.take(at: clock, shard: shard) else { throw .refused(.timeout) }
            ids.append(id)
        }
        state.nextProgress.lastBlock = ids.reduce(state.nextProgress.lastBlock, max)
        try state.putBlockNumbers(numbers)
        return ids
    }

    private func takeNumbers(_ count: Int, after time: Timestamp) -> [BlockID] {
        (0..<count).map { _ in
            let id = state.nextProgress.lastBlock.next(at: time, shard: shard)
            state.nextProgress.lastBlock = id
            return id
        }
    }

    /// Which numbers were given out. Older versions only knew the highest; if a clock has driven that far ahead, the
    /// blocks there are tell what is free below.
    private func numbersInUse(at clock: Timestamp) throws(ShardFailure) -> BlockNumbers {
        if let known = state.blockNumbers { return known }
        let last = state.progress.lastBlock
        let limit = BlockNumbers.aheadLimitNanoseconds
        guard last.time > clock, last.time.nanoseconds - clock.nanoseconds > limit else {
            return BlockNumbers(upTo: last)
        }
        return BlockNumbers(hours: try state.hoursOfBlocks(), upTo: last)
    }
}

import Client
import Protocol

/// Replaces blocks of one copy of a span, and begins anew when that fails or somebody else changed it.
struct SpanRepair<Cluster: RepairCluster>: Sendable {
    let context: RepairContext<Cluster>
    let order: RepairOrder

    /// Never throws: the outcome says what could not be done.
    func repair(_ first: SpanCopy) async -> RepairOutcome {
        var outcome = RepairOutcome()
        var copy = first
        var broken: Set<BlockID> = []
        var failures = 0
        while !Task.isCancelled {
            do throws(RepairError) {
                let found = try await pass(over: &copy, broken, &outcome.tally)
                if found.isSubset(of: broken) { return outcome }
                // They are replaced in another pass, from fresh sources.
                broken.formUnion(found)
            } catch {
                failures += 1
                guard let fresh = await retry(copy, after: error, failures, &outcome) else { return outcome }
                copy = fresh
            }
        }
        return outcome
    }

    /// The span as it is now, when another attempt makes sense.
    private func retry(
        _ copy: SpanCopy, after error: RepairError, _ failures: Int, _ outcome: inout RepairOutcome
    ) async -> SpanCopy? {
        await context.cluster.sleep(nanoseconds: context.options.retryPauseNanoseconds)
        do throws(ClientError) {
            guard let fresh = try await SpanListing.current(copy, in: context.cluster),
                try await context.isFinished(copy.file)
            else { return nil }
            let isChanged = fresh.blocks.map(\.block) != copy.blocks.map(\.block)
            guard failures < context.options.attempts, isChanged || error.mayPass else {
                outcome.fail(error)
                return nil
            }
            outcome.tally.repeatedAttempts += 1
            return fresh
        } catch let listingError {
            outcome.fail(RepairError(.request(listingError), file: copy.file, byteOffset: copy.byteOffset))
            return nil
        }
    }

    /// Replaces what has to go. Returns the blocks that were meant to be sources and proved to be broken.
    private func pass(
        over copy: inout SpanCopy, _ broken: Set<BlockID>, _ tally: inout RepairTally
    ) async throws(RepairError) -> Set<BlockID> {
        var reading = BlockReading(context: context, copy: copy)
        for index in copy.blocks.indices {
            let verdict = broken.contains(copy.blocks[index].block) ? .rebuild : await order.verdict(copy.block(index))
            switch verdict {
            case .keep: break
            case .move: reading.movable.append(index)
            case .rebuild: reading.unusable.append(index)
            }
        }
        let wanted = (reading.movable + reading.unusable).sorted()
        guard !wanted.isEmpty else { return [] }
        let batchSize = batchSize(copy.layout)
        for start in stride(from: 0, to: wanted.count, by: batchSize) {
            let batch = Array(wanted[start..<min(start + batchSize, wanted.count)])
            try await replace(batch, of: &copy, &reading, &tally)
        }
        tally.repairedSpans += 1
        let found = Set(reading.disproved.map { reading.copy.blocks[$0].block }).subtracting(broken)
        tally.foundBrokenBlocks += found.count
        return found
    }

    /// How many blocks fit into the memory at once, with the pieces that they are computed from.
    private func batchSize(_ layout: SpanLayout) -> Int {
        let left = context.memory.limit - layout.dataBlocks * context.options.pieceBytes
        return max(1, left / layout.blockBytes)
    }

    private func replace(
        _ batch: [Int], of copy: inout SpanCopy, _ reading: inout BlockReading<Cluster>, _ tally: inout RepairTally
    ) async throws(RepairError) {
        let bytes = copy.layout.blockBytes
        let held = batch.count * bytes + copy.layout.dataBlocks * min(bytes, context.options.pieceBytes)
        await context.memory.take(held)
        defer { context.memory.give(held) }
        let contents = try await reading.contents(of: batch)
        tally.readBytes += reading.takeReadBytes()
        for content in contents {
            guard !Task.isCancelled else { return }
            let index = content.index
            let placing = BlockPlacing(context: context, order: order, copy: copy, index: index)
            copy.blocks[index] = try await placing.place(content.memory)
            tally.replacedBlocks += 1
            tally.replacedBytes += bytes
            if content.isCopied { tally.copiedBlocks += 1 } else { tally.rebuiltBlocks += 1 }
        }
    }
}

extension RepairError {
    /// Whether the same attempt may succeed a little later.
    fileprivate var mayPass: Bool {
        switch cause {
        case .request: true
        case .tooFewSources, .inconsistent, .noPlace, .noMemory: false
        }
    }
}

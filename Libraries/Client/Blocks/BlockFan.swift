import EventLoop
import Protocol

/// Writes the blocks of one span side by side and gathers the outcomes. Confined to the loop.
final class BlockFan {
    /// A block that takes so many times longer than half of the others is given up.
    private static let laggardFactor: UInt64 = 8
    private static let laggardMinimumNanoseconds: UInt64 = 3_000_000_000
    /// A service that takes so many times longer than half of the others gets no blocks for a while.
    private static let slowFactor: UInt64 = 8
    private static let slowMinimumNanoseconds: UInt64 = 1_000_000_000

    private let core: ClientCore
    private let blocks: EncodedBlocks
    private let places: [AddSpanInitiateBlockInfo]
    private let startNanoseconds: UInt64
    /// What each block took.
    private var durations: [UInt64]
    private var operations: [BlockOperation] = []
    private var results: [Result<MAC?, ClientError>?]
    private var missing: Int
    private var laggardTimer: (any TimerHandle)?
    private let completion: ([Result<MAC?, ClientError>]) -> Void

    static func write(
        _ blocks: EncodedBlocks, to places: [AddSpanInitiateBlockInfo], core: ClientCore,
        completion: @escaping ([Result<MAC?, ClientError>]) -> Void
    ) {
        let fan = BlockFan(blocks, places, core, completion)
        fan.operations = places.enumerated().map { index, place in fan.operation(index, place) }
        // The completions keep the fan, and with it the blocks' memory, alive.
        for operation in fan.operations { core.blocks.submit(operation, purpose: .write) }
    }

    private init(
        _ blocks: EncodedBlocks, _ places: [AddSpanInitiateBlockInfo], _ core: ClientCore,
        _ completion: @escaping ([Result<MAC?, ClientError>]) -> Void
    ) {
        self.core = core
        self.blocks = blocks
        self.places = places
        self.completion = completion
        startNanoseconds = core.loop.monotonicNanoseconds
        results = Array(repeating: nil, count: places.count)
        durations = Array(repeating: 0, count: places.count)
        missing = places.count
    }

    private func operation(_ index: Int, _ place: AddSpanInitiateBlockInfo) -> BlockOperation {
        let service = BlockService(addrs: place.blockServiceAddrs, id: place.blockServiceId, flags: [])
        let request = WriteBlockRequest(
            blockId: place.blockId, crc: blocks.blockCRCs[index], size: UInt32(blocks.layout.blockBytes),
            certificate: place.certificate)
        return BlockOperation(request, service, payload: blocks.segments(ofBlock: index), answer: .proof) { result in
            self.finished(index, result)
        }
    }

    private func finished(_ index: Int, _ result: Result<MAC?, ClientError>) {
        guard results[index] == nil else { return }
        results[index] = result
        durations[index] = core.loop.monotonicNanoseconds &- startNanoseconds
        missing -= 1
        if missing == 0 { return end() }
        if missing * 2 <= results.count, laggardTimer == nil { awaitLaggards() }
    }

    private func awaitLaggards() {
        let usual = core.loop.monotonicNanoseconds &- startNanoseconds
        let patience = max(usual &* Self.laggardFactor, Self.laggardMinimumNanoseconds)
        laggardTimer = core.loop.timer(afterNanoseconds: patience) { self.giveUpLaggards() }
    }

    private func giveUpLaggards() {
        for (operation, result) in zip(operations, results) where result == nil {
            core.blocks.abandon(operation, "much slower than the other blocks of the span")
        }
    }

    private func end() {
        laggardTimer?.cancel()
        laggardTimer = nil
        operations = []
        noteSlowServices()
        completion(results.map { $0 ?? .failure(ClientError(.blockTransfer, "writing of a block")) })
    }

    /// A span is as slow as its slowest block, so whoever holds everybody up is spared the next ones.
    private func noteSlowServices() {
        let usual = durations.sorted()[durations.count / 2]
        let limit = max(usual &* Self.slowFactor, Self.slowMinimumNanoseconds)
        for (place, duration) in zip(places, durations) where duration > limit {
            core.health.writeFailed(
                place.blockServiceId, domain: place.blockServiceFailureDomain, now: core.loop.monotonicNanoseconds)
        }
    }
}

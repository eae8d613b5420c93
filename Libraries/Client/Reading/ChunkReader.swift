import Erasure
import EventLoop
import Mutations
import Protocol

/// Gets chunks: from their own block, or, when that one is missing, corrupt or slower than the others usually are, from
/// any D others. Chunks that a recovery needs are shared with readers that want them anyway. Confined to the loop.
package final class ChunkReader {
    let loop: any Loop
    private let pool: BufferPool
    private let cache: ChunkCache
    private let fetcher: any PageFetching
    private let verifier: BlockVerifier
    private let hedges: DeadlineTimer<() -> Void>
    private let health: ServiceHealth

    /// Counts since the start.
    package struct Counters: Sendable {
        package var fetches: UInt64 = 0
        package var failedFetches: UInt64 = 0
        package var hedges: UInt64 = 0
        package var recoveries: UInt64 = 0
        /// Recoveries that were quicker than the block's own service.
        package var lostRaces: UInt64 = 0
    }
    package private(set) var counters = Counters()

    private static let missingNanoseconds: UInt64 = 60_000_000_000

    package init(
        loop: any Loop, pool: BufferPool, cache: ChunkCache, fetcher: any PageFetching, verifier: BlockVerifier,
        health: ServiceHealth
    ) {
        self.loop = loop
        self.pool = pool
        self.cache = cache
        self.fetcher = fetcher
        self.verifier = verifier
        self.health = health
        hedges = DeadlineTimer(loop: loop)
        hedges.onDue = { body, _ in body() }
    }

    package func close() {
        hedges.cancel()
    }

    // MARK: Wanting

    /// The chunk for a range of a span's block; new chunks are cached if `keeps`.
    package func chunk(_ span: SpanInfo, block: Int, _ range: Range<Int>, keeps: Bool) -> Chunk? {
        if let known = cached(span, block: block, range) { return known }
        guard case .blocks(_, let sources) = span.content else { return nil }
        let key = Chunk.Key(block: sources[block].block, offset: range.lowerBound, count: range.count)
        let made = Chunk(key: key, span: span, block: block)
        if keeps { cache.insert(made) }
        return made
    }

    /// The chunk, if it is in the cache or on its way there.
    package func cached(_ span: SpanInfo, block: Int, _ range: Range<Int>) -> Chunk? {
        guard case .blocks(_, let sources) = span.content else { return nil }
        let key = Chunk.Key(block: sources[block].block, offset: range.lowerBound, count: range.count)
        guard let known = cache.find(key), known.failure == nil else { return nil }
        // Its span was asked for once more since: what failed then may be elsewhere now, or its service back.
        if known.hasFailed, known.span !== span, !Mutation.failedFetchesAreRemembered.isPlanted {
            cache.remove(known)
            return nil
        }
        return known
    }

    /// Starts whatever is needed for the chunk to become ready or to fail.
    /// - Parameter isAwaited: somebody waits for it, so that slowness is to be made good for; nobody does while it is
    ///   only fetched ahead.
    package func start(_ chunk: Chunk, isAwaited: Bool = true) {
        guard !chunk.isReady, chunk.failure == nil else { return }
        let isNewlyAwaited = isAwaited && !chunk.isAwaited
        chunk.isWanted = true
        if isAwaited { chunk.isAwaited = true }
        switch chunk.direct {
        case .idle:
            switch attempt(chunk) {
            case .usual:
                startDirect(chunk)
                if isAwaited { hedge(chunk) }
            case .probe:
                startDirect(chunk)
                startRecovery(chunk)
            case .avoid:
                startRecovery(chunk)
            }
        case .failed: startRecovery(chunk)
        case .underway: if isNewlyAwaited { hedge(chunk) }
        case .done: break
        }
    }

    private func attempt(_ chunk: Chunk) -> ServiceHealth.Attempt {
        guard case .blocks(_, let sources) = chunk.span.content, isThere(chunk.span, chunk.block) else { return .avoid }
        return health.attempt(sources[chunk.block].service.id, now: loop.monotonicNanoseconds)
    }

    /// Whether nothing is known to be wrong with a block.
    private func isThere(_ span: SpanInfo, _ block: Int) -> Bool {
        isKept(span, block) && !isStale(span, block)
    }

    /// Whether a block is not known to be lost: its service may be away, and then comes back with it.
    private func isKept(_ span: SpanInfo, _ block: Int) -> Bool {
        guard case .blocks(_, let sources) = span.content else { return false }
        if let until = span.missing[block], until > loop.monotonicNanoseconds { return false }
        let flags = sources[block].service.flags
        return (Mutation.staleServicesAreLost.isPlanted ? flags : flags.subtracting(.stale)).isReadable
    }

    /// Whether nobody has heard of a block's service for a while.
    private func isStale(_ span: SpanInfo, _ block: Int) -> Bool {
        guard case .blocks(_, let sources) = span.content else { return false }
        return sources[block].service.flags.contains(.stale)
    }

    /// Whether a block is likely to be read without trouble.
    private func isPromising(_ span: SpanInfo, _ block: Int) -> Bool {
        guard case .blocks(_, let sources) = span.content, isThere(span, block) else { return false }
        return !health.isDoubtful(sources[block].service.id)
    }

    // MARK: Directly

    private func startDirect(_ chunk: Chunk) {
        guard case .blocks(let layout, let sources) = chunk.span.content, let memory = pool.take(chunk.key.count) else {
            return directFailed(chunk)
        }
        chunk.direct = .underway
        counters.fetches &+= 1
        let source = sources[chunk.block]
        let began = loop.monotonicNanoseconds
        chunk.directBeganNanoseconds = began
        let range = chunk.key.offset..<chunk.key.offset + chunk.key.count
        let sums = PageSums(ofBytes: range.count)
        verifier.prepare(source, blockBytes: layout.blockBytes, range)
        fetcher.fetch(source, range, into: memory, sums: sums) { [weak self] result in
            guard let self else { return }
            if case .failure(let error) = result { return fetchFailed(chunk, source, error) }
            let now = loop.monotonicNanoseconds
            let latency = now &- began
            health.readSucceeded(source.service.id, bytes: range.count, latencyNanoseconds: latency, now: now)
            verifier.verify(source, blockBytes: layout.blockBytes, range, sums) { [weak self] error in
                guard let self else { return }
                if let error { return fetchFailed(chunk, source, error) }
                chunk.direct = .done
                chunk.become(memory)
            }
        }
    }

    private func fetchFailed(_ chunk: Chunk, _ source: BlockSource, _ error: ClientError) {
        note(error, of: chunk, source)
        if error.cause == .closed { chunk.fail(error) }
        directFailed(chunk)
    }

    private func note(_ error: ClientError, of chunk: Chunk, _ source: BlockSource) {
        counters.failedFetches &+= 1
        let now = loop.monotonicNanoseconds
        switch error.cause {
        case .blockTransfer, .unavailable, .timeout: health.readDisappointed(source.service.id, now: now)
        case .refused(.blockIoErrorDevice), .refused(.blockServiceNotFound), .refused(.timeout):
            health.readDisappointed(source.service.id, now: now)
        case .refused: chunk.span.missing[chunk.block] = now &+ Self.missingNanoseconds
        // Only these pages are known to be bad.
        case .corruptPage: chunk.span.damaged.insert(chunk.key)
        default: break
        }
    }

    private func directFailed(_ chunk: Chunk) {
        chunk.directFailed()
        // A chunk that only helps another one is not worth a recovery of its own; and that could go round in circles.
        guard !chunk.isReady, chunk.isWanted, chunk.failure == nil else { return }
        startRecovery(chunk)
    }

    private func hedge(_ chunk: Chunk) {
        afterUsualTime(of: chunk, since: chunk.directBeganNanoseconds) { [weak self, weak chunk] in
            if let chunk { self?.hedgeDue(chunk) }
        }
    }

    private func hedgeDue(_ chunk: Chunk) {
        guard !chunk.isReady, chunk.failure == nil, !chunk.isRecovering,
            case .blocks(let layout, _) = chunk.span.content,
            layout.blocks > layout.dataBlocks
        else { return }
        counters.hedges &+= 1
        startRecovery(chunk)
    }

    // MARK: From others

    private func startRecovery(_ chunk: Chunk) {
        guard !chunk.isRecovering, !chunk.isReady else { return }
        chunk.isRecovering = true
        counters.recoveries &+= 1
        ChunkRecovery(chunk, candidates: candidates(for: chunk), reader: self).start()
    }

    /// The other blocks, best first: those that will be read anyway (data), then parity; doubtful ones last.
    private func candidates(for chunk: Chunk) -> [Int] {
        guard case .blocks(let layout, _) = chunk.span.content else { return [] }
        let others = (0..<layout.blocks).filter { $0 != chunk.block }
        return others.filter { isPromising(chunk.span, $0) } + others.filter { !isPromising(chunk.span, $0) }
    }

    /// The same range of another block, for a recovery: fetched from there, never itself recovered.
    func sibling(of chunk: Chunk, block: Int) -> Chunk? {
        let range = chunk.key.offset..<chunk.key.offset + chunk.key.count
        guard let sibling = self.chunk(chunk.span, block: block, range, keeps: true) else { return nil }
        // What failed may work again by now; a recovery asks each block once.
        if case .failed = sibling.direct, !sibling.isRecovering, isPromising(sibling.span, block) {
            sibling.direct = .idle
        }
        if !sibling.isReady, case .idle = sibling.direct { startDirect(sibling) }
        return sibling
    }

    /// Calls `body` once a fetch of the chunk that was begun then, now if nil, is slow.
    func afterUsualTime(of chunk: Chunk, since began: UInt64? = nil, _ body: @escaping () -> Void) {
        let usual = health.hedgeNanoseconds(forBytes: chunk.key.count)
        let now = loop.monotonicNanoseconds
        hedges.schedule(body, dueNanoseconds: max(now, (began ?? now) &+ usual))
    }

    func recovered(_ chunk: Chunk, _ memory: PooledBuffer) {
        if case .underway = chunk.direct, case .blocks(_, let sources) = chunk.span.content {
            // The others, and computing, were quicker than the block's own service.
            counters.lostRaces &+= 1
            let now = loop.monotonicNanoseconds
            // After a probe the two ran side by side from the start, and being second is no shame.
            if now &- chunk.directBeganNanoseconds >= health.hedgeNanoseconds(forBytes: chunk.key.count) {
                health.readDisappointed(sources[chunk.block].service.id, now: now)
            }
        }
        chunk.become(memory)
    }

    func recoveryFailed(_ chunk: Chunk) {
        chunk.isRecovering = false
        // The block's own answer may still come, however late.
        if case .underway = chunk.direct { return }
        if case .idle = chunk.direct { return startDirect(chunk) }
        cache.remove(chunk)
        chunk.fail(
            ClientError(
                isOutage(chunk) ? .unavailable : .tooManyBlocksMissing, "read of block \(chunk.key.block)",
                "at file offset \(chunk.span.byteOffset)"))
    }

    /// Whether the chunk may be had when block services are back that have failed lately, or that nobody has heard of
    /// for a while. A service that has sent damaged pages of this range is not away, however slow it was.
    private func isOutage(_ chunk: Chunk) -> Bool {
        guard case .blocks(let layout, let sources) = chunk.span.content else { return false }
        let kept = sources.indices.filter { isKept(chunk.span, $0) && !isDamaged(chunk, sources[$0].block) }
        return kept.count >= layout.dataBlocks
            && kept.contains { isStale(chunk.span, $0) || health.isDoubtful(sources[$0].service.id) }
    }

    /// Whether this range of another block of the span came damaged.
    private func isDamaged(_ chunk: Chunk, _ block: BlockID) -> Bool {
        guard !Mutation.damagedBlocksAreAway.isPlanted else { return false }
        return chunk.span.damaged.contains(Chunk.Key(block: block, offset: chunk.key.offset, count: chunk.key.count))
    }

    func takeMemory(_ bytes: Int) -> PooledBuffer? {
        pool.take(bytes)
    }
}

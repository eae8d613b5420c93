import Protocol

/// A range of pages of one block, being fetched or at hand. The unit of the read cache, and of recovery: when its own
/// block cannot be read it is computed from the same range of D other blocks. Confined to the loop.
package final class Chunk {
    package struct Key: Hashable, Sendable {
        package let block: BlockID
        package let offset: Int
        package let count: Int
    }

    /// Reading the chunk from its own block.
    package enum Direct {
        case idle, underway, failed, done
    }

    package let key: Key
    package let span: SpanInfo
    /// Index of the block in the span, 0..<D+P.
    package let block: Int
    /// The data, once it is here; constant from then on.
    package internal(set) var memory: PooledBuffer?
    package internal(set) var direct = Direct.idle
    /// When its own block was asked, monotonic.
    var directBeganNanoseconds: UInt64 = 0
    /// Whether somebody wants the data itself. If not, it is only fetched to help in computing another chunk, and never
    /// computed.
    package internal(set) var isWanted = false
    /// Whether somebody waits for it already.
    var isAwaited = false
    /// Whether it is being computed from others.
    package internal(set) var isRecovering = false
    /// Why neither way led to the data.
    package internal(set) var failure: ClientError?

    private var directWaiters: [(Bool) -> Void] = []
    private var readyWaiters: [(Result<PooledBuffer, ClientError>) -> Void] = []

    /// Neighbours in the order of use.
    fileprivate(set) weak var newer: Chunk?
    fileprivate(set) var older: Chunk?
    fileprivate(set) var isListed = false

    init(key: Key, span: SpanInfo, block: Int) {
        self.key = key
        self.span = span
        self.block = block
    }

    var isReady: Bool { memory != nil }

    /// Whether its own block could not be read, and nothing else is being done to get the data.
    var hasFailed: Bool {
        guard case .failed = direct else { return false }
        return !isReady && !isRecovering
    }

    /// Whether something is being done to get the data, so that somebody may be waiting.
    var isUnderway: Bool {
        guard !isReady, failure == nil else { return false }
        if case .underway = direct { return true }
        return isRecovering
    }

    /// Calls `body` when the chunk is at hand or will never be.
    package func whenReady(_ body: @escaping (Result<PooledBuffer, ClientError>) -> Void) {
        if let memory { return body(.success(memory)) }
        if let failure { return body(.failure(failure)) }
        readyWaiters.append(body)
    }

    /// Calls `body` when it is known whether the chunk can be had without recovering it.
    func whenDirect(_ body: @escaping (Bool) -> Void) {
        if isReady { return body(true) }
        if case .failed = direct { return body(false) }
        directWaiters.append(body)
    }

    /// The data is here, whichever way it came. Later arrivals are dropped.
    func become(_ memory: PooledBuffer) {
        guard self.memory == nil else { return }
        self.memory = memory
        tellDirect(true)
        tellReady(.success(memory))
    }

    func directFailed() {
        direct = .failed
        tellDirect(false)
    }

    func fail(_ error: ClientError) {
        failure = error
        tellReady(.failure(error))
    }

    private func tellDirect(_ isThere: Bool) {
        let waiters = directWaiters
        directWaiters = []
        for waiter in waiters { waiter(isThere) }
    }

    private func tellReady(_ result: Result<PooledBuffer, ClientError>) {
        let waiters = readyWaiters
        readyWaiters = []
        for waiter in waiters { waiter(result) }
    }
}

/// Chunks by key, and the order in which they were used: the least recently used ones are dropped when the budget is
/// exceeded. Whoever still holds a dropped chunk's memory keeps it. Confined to the loop.
package final class ChunkCache {
    private let budgetBytes: Int
    private var chunks: [Chunk.Key: Chunk] = [:]
    package private(set) var usedBytes = 0
    private var newest: Chunk?
    private weak var oldest: Chunk?

    package init(budgetBytes: Int) {
        self.budgetBytes = budgetBytes
    }

    deinit {
        removeAll()
    }

    /// The chunk if it is cached or under way; marks it as used.
    package func find(_ key: Chunk.Key) -> Chunk? {
        guard let chunk = chunks[key] else { return nil }
        unlist(chunk)
        list(chunk)
        return chunk
    }

    package func insert(_ chunk: Chunk) {
        guard chunks[chunk.key] == nil else { return }
        chunks[chunk.key] = chunk
        usedBytes += chunk.key.count
        list(chunk)
        var candidate = oldest
        while usedBytes > budgetBytes, let current = candidate, current !== chunk {
            candidate = current.newer
            if !current.isUnderway { remove(current) }
        }
    }

    package func remove(_ key: Chunk.Key) {
        if let chunk = chunks[key] { remove(chunk) }
    }

    package func remove(_ chunk: Chunk) {
        guard chunks[chunk.key] === chunk else { return }
        chunks[chunk.key] = nil
        usedBytes -= chunk.key.count
        unlist(chunk)
    }

    package func removeAll() {
        chunks = [:]
        usedBytes = 0
        // One by one: a chain of strong references would be released recursively.
        while let chunk = newest { unlist(chunk) }
    }

    private func list(_ chunk: Chunk) {
        chunk.older = newest
        chunk.newer = nil
        newest?.newer = chunk
        newest = chunk
        if oldest == nil { oldest = chunk }
        chunk.isListed = true
    }

    private func unlist(_ chunk: Chunk) {
        guard chunk.isListed else { return }
        chunk.isListed = false
        let older = chunk.older
        let newer = chunk.newer
        older?.newer = newer
        if let newer { newer.older = older } else { newest = older }
        if oldest === chunk { oldest = newer }
        chunk.older = nil
        chunk.newer = nil
    }
}

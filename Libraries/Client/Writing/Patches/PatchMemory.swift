import DequeModule
import EventLoop
import Mutations
import Synchronization

/// The memory for changed bytes of all files of a client; what does not fit goes to the spool, oldest first. Confined
/// to the loop, but for giving memory back.
///
/// `@unchecked Sendable`: what other threads touch is atomic.
package final class PatchMemory: @unchecked Sendable {
    /// Memory that counts; goes back with the last reference to it, on whatever thread.
    ///
    /// `@unchecked Sendable`: nothing of it changes; the bytes are its block's business, and counting back is atomic.
    final class Piece: @unchecked Sendable {
        private let buffer: PooledBuffer
        private let budget: PatchMemory

        fileprivate init(_ buffer: PooledBuffer, _ budget: PatchMemory) {
            self.buffer = buffer
            self.budget = budget
        }

        deinit { budget.gaveBack(buffer.count) }

        var base: UnsafeMutableRawPointer { buffer.base }
        var count: Int { buffer.count }
    }

    /// What somebody waits for who could not write.
    enum Shortage {
        case memory
        /// The block that he writes to has its memory, and is being spooled.
        case block
    }

    private struct Waiter {
        let shortage: Shortage
        /// What it has already, in memory or in the spool.
        let blocks: Int
        let continuation: UnsafeContinuation<ClientError?, Never>
    }

    private struct Candidate {
        weak var block: PatchBlock?
    }

    /// Bytes that are spooled in one go.
    private static let batchBytes = 4 << 20
    /// Batches that are spooled at the same time.
    private static let batchesAtOnce = 2

    private let loop: any Loop
    private let pool: BufferPool
    private let limitBytes: Int
    private let directory: String
    private let spoolBytes: Int?
    private let used = Atomic<Int>(0)
    private let hasWaiters = Atomic<Bool>(false)
    /// Blocks with memory, in the order in which they got it.
    private var candidates = Deque<Candidate>()
    /// What is being spooled.
    private var batches = 0
    private var batchedBytes = 0
    /// Nothing could be spooled the last time: it is not tried in advance.
    private var isSpoolFull = false
    /// Candidates when dead ones were last taken out.
    private var livingCandidates = 0
    private var waiters: [Waiter] = []
    /// Slots hold it.
    private weak var spool: Spool?

    init(loop: any Loop, pool: BufferPool, options: ClientOptions) {
        self.loop = loop
        self.pool = pool
        limitBytes = options.patchBytes
        directory = options.spoolDirectory
        spoolBytes = options.spoolBytes
    }

    /// Bytes in memory.
    package var usedBytes: Int { used.load(ordering: .relaxed) }

    /// Whether so much more may be taken. It always may while nothing can be spooled to make room for it.
    func grants(_ bytes: Int) -> Bool {
        usedBytes + bytes <= limitBytes || batches == 0 && firstCandidate() == nil
    }

    func take(_ bytes: Int) -> Piece? {
        guard let buffer = pool.take(bytes) else { return nil }
        used.add(buffer.count, ordering: .relaxed)
        return Piece(buffer, self)
    }

    private func gaveBack(_ bytes: Int) {
        used.subtract(bytes, ordering: .relaxed)
        if hasWaiters.load(ordering: .relaxed) { loop.submit { self.changed() } }
    }

    func mayBeSpooled(_ block: PatchBlock) {
        candidates.append(Candidate(block: block))
        // Most blocks go before they have to be spooled.
        guard candidates.count > 2 * livingCandidates + 64 else { return }
        candidates.removeAll { $0.block?.memory == nil }
        livingCandidates = candidates.count
    }

    /// Waits until there may be room; called by whoever could not write just now.
    /// - Parameter blocks: what he has already.
    /// - Returns: why there will be no memory for him, for which he has to let go of those.
    nonisolated(nonsending) func makeRoom(for shortage: Shortage, having blocks: Int) async -> ClientError? {
        startSpooling()
        return await withUnsafeContinuation { continuation in
            waiters.append(Waiter(shortage: shortage, blocks: blocks, continuation: continuation))
            hasWaiters.store(true, ordering: .relaxed)
        }
    }

    /// Who waits goes on. If there is no room and will be none, the one of those who need some that has most of it
    /// fails, before the others try again with what it lets go of.
    private func changed(_ failure: ClientError? = nil) {
        var resumed = waiters
        waiters = []
        hasWaiters.store(false, ordering: .relaxed)
        if let failure, let greediest = greediest(of: resumed) {
            resumed.remove(at: greediest).continuation.resume(returning: failure)
        }
        let others = Mutation.fullSpoolHarmsEverybody.isPlanted ? failure : nil
        for waiter in resumed { waiter.continuation.resume(returning: others) }
    }

    /// Who waits only for a block that was being spooled is none of them: it still has its memory.
    private func greediest(of waiters: [Waiter]) -> Int? {
        waiters.indices.filter { waiters[$0].shortage == .memory }.max { waiters[$0].blocks < waiters[$1].blocks }
    }

    // MARK: Spooling

    private func firstCandidate() -> PatchBlock? {
        while let first = candidates.first {
            if let block = first.block, block.memory != nil, !block.isSpooling { return block }
            candidates.removeFirst()
        }
        return nil
    }

    /// Spools in time, so that nobody has to wait.
    func spoolInTime() {
        while usedBytes - batchedBytes > limitBytes / 4 * 3, !isSpoolFull, startSpooling() {}
    }

    /// Whether one more batch is being spooled.
    @discardableResult
    private func startSpooling() -> Bool {
        // The first one makes the files, which the others are to share; the last one tells that they are full.
        let isAlone = isSpoolFull || spool == nil && !Mutation.everyBatchHasItsSpool.isPlanted
        guard batches < (isAlone ? 1 : Self.batchesAtOnce) else { return false }
        var (batch, bytes) = ([PatchBlock](), 0)
        while bytes < min(Self.batchBytes, max(1, limitBytes / 2)), let block = firstCandidate() {
            candidates.removeFirst()
            block.isSpooling = true
            bytes += block.memory?.count ?? 0
            batch.append(block)
        }
        guard !batch.isEmpty else { return false }
        batches += 1
        batchedBytes += bytes
        let (directory, spoolBytes, blocks, spooled, present) = (directory, spoolBytes, batch, bytes, spool)
        Spool.writers.run { [loop] in
            let outcome = Self.save(blocks, in: present, directory, spoolBytes)
            loop.submit { self.spooled(blocks, spooled, outcome) }
        }
        return true
    }

    private struct Outcome: Sendable {
        /// Where each block is now; nil: it could not be saved.
        var slots: [SpoolSlot?] = []
        var spool: Spool?
        var failure: ClientError?
    }

    private static func save(
        _ blocks: [PatchBlock], in present: Spool?, _ directory: String, _ spoolBytes: Int?
    ) -> Outcome {
        var outcome = Outcome(spool: present)
        for block in blocks {
            do throws(ClientError) {
                if outcome.spool == nil { outcome.spool = try Spool(in: directory, limitBytes: spoolBytes) }
                guard let spool = outcome.spool else { break }
                outcome.slots.append(try block.save(in: spool))
            } catch {
                outcome.failure = error
                outcome.slots.append(nil)
            }
        }
        return outcome
    }

    private func spooled(_ blocks: [PatchBlock], _ bytes: Int, _ outcome: Outcome) {
        batches -= 1
        batchedBytes -= bytes
        spool = outcome.spool
        for (block, slot) in zip(blocks, outcome.slots) {
            block.isSpooling = false
            if let slot { block.saved(in: slot) } else { candidates.append(Candidate(block: block)) }
        }
        isSpoolFull = !outcome.slots.contains { $0 != nil }
        // What else is being spooled may make room.
        let isHopeless = isSpoolFull && batches == 0 && usedBytes + PatchBlock.bytes > limitBytes
        changed(isHopeless ? outcome.failure : nil)
    }
}

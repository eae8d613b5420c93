import Erasure
import Protocol

/// Computes one chunk from the same range of D other blocks of its span. Goes on to further blocks as some fail or are
/// slow. Confined to the loop.
final class ChunkRecovery {
    private let chunk: Chunk
    private let layout: SpanLayout?
    private var candidates: ArraySlice<Int>
    private let reader: ChunkReader
    private var present: [Int: PooledBuffer] = [:]
    private var underway = 0
    private var isEnded = false
    /// What it takes is here.
    private var isComputing = false

    /// Bytes read that are decoded on the loop.
    private static let smallBytes = 64 << 10

    init(_ chunk: Chunk, candidates: [Int], reader: ChunkReader) {
        self.chunk = chunk
        self.candidates = candidates[...]
        self.reader = reader
        if case .blocks(let layout, _) = chunk.span.content { self.layout = layout } else { layout = nil }
    }

    func start() {
        guard let layout else { return end(nil) }
        while underway + present.count < layout.dataBlocks, let next = candidates.popFirst() { ask(next) }
        endIfHopeless()
        scheduleHedge()
    }

    private func scheduleHedge() {
        guard !isEnded, !isComputing, !candidates.isEmpty else { return }
        reader.afterUsualTime(of: chunk) { [weak self] in self?.hedgeDue() }
    }

    /// Something among the sources is slow, too: one more of them.
    private func hedgeDue() {
        guard !isEnded, !isComputing, !chunk.isReady, let next = candidates.popFirst() else { return }
        ask(next)
        scheduleHedge()
    }

    private func ask(_ block: Int) {
        guard let sibling = reader.sibling(of: chunk, block: block) else { return }
        underway += 1
        sibling.whenDirect { isThere in self.answered(block, isThere ? sibling.memory : nil) }
    }

    private func answered(_ block: Int, _ memory: PooledBuffer?) {
        underway -= 1
        guard !isEnded, !isComputing else { return }
        // The block itself was quicker after all.
        guard !chunk.isReady else {
            isEnded = true
            return
        }
        if let memory {
            present[block] = memory
            if present.count == layout?.dataBlocks { return compute() }
        } else if let next = candidates.popFirst() {
            ask(next)
        }
        endIfHopeless()
    }

    private func endIfHopeless() {
        guard !isEnded, let layout, present.count + underway < layout.dataBlocks, candidates.isEmpty else { return }
        end(nil)
    }

    private func end(_ memory: PooledBuffer?) {
        guard !isEnded else { return }
        isEnded = true
        if let memory { reader.recovered(chunk, memory) } else { reader.recoveryFailed(chunk) }
    }

    /// On a worker, but for so little that going there would take longer.
    private func compute() {
        guard let layout, !isEnded else { return }
        // Copies are the same bytes.
        if layout.dataBlocks == 1 { return end(present.values.first) }
        guard let memory = reader.takeMemory(chunk.key.count) else { return end(nil) }
        let (block, count, present) = (chunk.block, chunk.key.count, present)
        if layout.dataBlocks * count <= Self.smallBytes {
            return end(Self.decode(layout, block, count, present, into: memory))
        }
        isComputing = true
        reader.loop.work {
            Self.decode(layout, block, count, present, into: memory)
        } then: { result in
            self.end(try? result.get())
        }
    }

    /// - Returns: `memory`; nil when it cannot be done.
    private static func decode(
        _ layout: SpanLayout, _ block: Int, _ count: Int, _ present: [Int: PooledBuffer], into memory: PooledBuffer
    ) -> PooledBuffer? {
        let parityBlocks = layout.blocks - layout.dataBlocks
        guard let code = ReedSolomon.shared(dataBlocks: layout.dataBlocks, parityBlocks: parityBlocks) else {
            return nil
        }
        let cells = (0..<layout.blocks).map { present[$0].map { UnsafeRawPointer($0.base) } }
        let isDone = withExtendedLifetime(present) {
            code.recover([block], into: [memory.base], from: cells, length: count)
        }
        return isDone ? memory : nil
    }
}

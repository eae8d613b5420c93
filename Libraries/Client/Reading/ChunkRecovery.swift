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
        guard !isEnded, !candidates.isEmpty else { return }
        reader.afterUsualTime(of: chunk) { [weak self] in self?.hedgeDue() }
    }

    /// Something among the sources is slow, too: one more of them.
    private func hedgeDue() {
        guard !isEnded, !chunk.isReady, let next = candidates.popFirst() else { return }
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
        guard !isEnded else { return }
        // The block itself was quicker after all.
        guard !chunk.isReady else {
            isEnded = true
            return
        }
        if let memory {
            present[block] = memory
            if present.count == layout?.dataBlocks { return end(compute()) }
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

    private func compute() -> PooledBuffer? {
        guard let layout else { return nil }
        // Copies are the same bytes.
        if layout.dataBlocks == 1 { return present.values.first }
        let parityBlocks = layout.blocks - layout.dataBlocks
        guard let memory = reader.takeMemory(chunk.key.count),
            let code = ReedSolomon.shared(dataBlocks: layout.dataBlocks, parityBlocks: parityBlocks)
        else { return nil }
        let cells = (0..<layout.blocks).map { present[$0].map { UnsafeRawPointer($0.base) } }
        let isDone = code.recover([chunk.block], into: [memory.base], from: cells, length: chunk.key.count)
        return isDone ? memory : nil
    }
}

import Client
import Erasure

/// The computing of whole blocks from D others, a piece at a time. For worker threads; nobody else touches the memory
/// meanwhile.
struct Decoding: Sendable {
    let code: ReedSolomon
    /// Blocks to be computed, ascending, and where they go.
    let wanted: [Int]
    let outputs: [PooledBuffer]
    /// Blocks to compute from, ascending.
    let sources: [Int]
    /// Checksums of what the sources had so far.
    private(set) var sourceSums: [UInt32]

    init(code: ReedSolomon, wanted: [Int], outputs: [PooledBuffer], sources: [Int]) {
        self.code = code
        self.wanted = wanted
        self.outputs = outputs
        self.sources = sources
        sourceSums = Array(repeating: 0, count: sources.count)
    }

    /// Computes `range` of the outputs from the same range of the sources, which lies at the beginning of `inputs`.
    func adding(_ inputs: [PooledBuffer], _ range: Range<Int>) -> Decoding {
        var present = [UnsafeRawPointer?](repeating: nil, count: code.blocks)
        for (source, input) in zip(sources, inputs) { present[source] = UnsafeRawPointer(input.base) }
        let isDone = code.recover(
            wanted, into: outputs.map { $0.base + range.lowerBound }, from: present, length: range.count)
        precondition(isDone, "D sources were chosen")
        var next = self
        next.sourceSums = zip(sourceSums, inputs).map { sum, input in
            Castagnoli.sum(UnsafeRawPointer(input.base), range.count, initial: sum)
        }
        return next
    }

    /// Checksums of the outputs, of which the first `bytes` bytes count.
    func outputSums(_ bytes: Int) -> [UInt32] {
        outputs.map { Castagnoli.sum(UnsafeRawPointer($0.base), bytes) }
    }
}

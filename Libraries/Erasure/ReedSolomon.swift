import Synchronization

/// The erasure code of a span with D data and P parity blocks (wire-protocol section 14). Blocks 0..<D are data,
/// D..<D+P are parity; with D = 1 every block is a copy. Works bytewise, so cells, whole blocks or single pages can be
/// coded alike.
///
/// Instances are shared, immutable to their users and safe to use from any thread.
public final class ReedSolomon: Sendable {
    /// Most data or parity blocks the protocol's parity byte can say.
    public static let largestCount = 15

    /// D, 1…15.
    public let dataBlocks: Int
    /// P, 0…15.
    public let parityBlocks: Int

    package let matrix: CodingMatrix
    private let encoder: CodingKernel

    private struct Pattern: Hashable {
        let wanted: UInt32
        let present: UInt32
    }
    /// Kernels of recently recovered patterns. A cluster sees few at a time; past the limit all are made anew.
    private let recoverers = Mutex<[Pattern: CodingKernel]>([:])
    private static let patternLimit = 256

    private static let instances = Mutex<[Int: ReedSolomon]>([:])

    /// The code for these counts, made at its first use; nil unless D is 1…15 and P 0…15.
    public static func shared(dataBlocks: Int, parityBlocks: Int) -> ReedSolomon? {
        guard (1...largestCount).contains(dataBlocks), (0...largestCount).contains(parityBlocks) else { return nil }
        return instances.withLock { instances in
            let key = dataBlocks << 4 | parityBlocks
            if let known = instances[key] { return known }
            let made = ReedSolomon(dataBlocks, parityBlocks)
            instances[key] = made
            return made
        }
    }

    private init(_ dataBlocks: Int, _ parityBlocks: Int) {
        self.dataBlocks = dataBlocks
        self.parityBlocks = parityBlocks
        matrix = .parity(data: dataBlocks, parity: parityBlocks)
        encoder = CodingKernel(matrix)
    }

    /// Whether coding runs on ISA-L's vector kernels. False means that the installed ISA-L works on another table
    /// layout or field and the scalar code, a hundred times slower, is used instead.
    public static var usesVectorKernels: Bool { CodingKernel.isISALRight }

    /// All blocks of a span, D + P.
    public var blocks: Int { dataBlocks + parityBlocks }

    /// Computes the parity cells of one stripe.
    /// - Parameters:
    ///   - data: D cells of `length` readable bytes, without alignment.
    ///   - parity: P cells of `length` writable bytes; they overlap nothing else.
    public func encode(data: [UnsafeRawPointer], parity: [UnsafeMutableRawPointer], length: Int) {
        precondition(data.count == dataBlocks && parity.count == parityBlocks && length >= 0)
        if dataBlocks == 1 {
            for cell in parity { cell.copyMemory(from: data[0], byteCount: length) }
        } else {
            encoder.apply(inputs: data, outputs: parity, length: length)
        }
    }

    /// Computes missing cells, data or parity, from any D others of the same stripe.
    /// - Parameters:
    ///   - present: for every block its cell of `length` bytes, nil where it is not at hand. Surplus cells are not
    ///     used; data comes before parity.
    ///   - wanted: which blocks to compute, ascending and distinct.
    ///   - into: as many cells of `length` writable bytes as `wanted` has members.
    /// - Returns: false, with nothing written, when fewer than D cells are present.
    public func recover(
        _ wanted: [Int], into: [UnsafeMutableRawPointer], from present: [UnsafeRawPointer?], length: Int
    ) -> Bool {
        precondition(present.count == blocks && wanted.count == into.count && length >= 0)
        precondition(wanted.allSatisfy { (0..<blocks).contains($0) } && zip(wanted, wanted.dropFirst()).allSatisfy(<))
        var used: [Int] = []
        var inputs: [UnsafeRawPointer] = []
        for (block, cell) in present.enumerated() where used.count < dataBlocks {
            guard let cell else { continue }
            used.append(block)
            inputs.append(cell)
        }
        guard used.count == dataBlocks else { return false }
        if dataBlocks == 1 {
            for cell in into { cell.copyMemory(from: inputs[0], byteCount: length) }
        } else if !wanted.isEmpty {
            recoverer(wanted, used).apply(inputs: inputs, outputs: into, length: length)
        }
        return true
    }

    private func recoverer(_ wanted: [Int], _ used: [Int]) -> CodingKernel {
        func mask(_ blocks: [Int]) -> UInt32 { blocks.reduce(0) { $0 | 1 << UInt32($1) } }
        let pattern = Pattern(wanted: mask(wanted), present: mask(used))
        return recoverers.withLock { recoverers in
            if let known = recoverers[pattern] { return known }
            if recoverers.count >= Self.patternLimit { recoverers.removeAll(keepingCapacity: true) }
            let made = CodingKernel(matrix.recovery(of: wanted, from: used))
            recoverers[pattern] = made
            return made
        }
    }
}

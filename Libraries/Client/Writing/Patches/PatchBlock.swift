import Glibc
import Mutations

/// The changed bytes of one block of a file: in memory, in the spool, or some here and some there. Which of its bytes
/// mean anything is the map's business.
///
/// `@unchecked Sendable`: confined to the loop. While it is being spooled a worker reads the bytes, and nobody changes
/// them.
final class PatchBlock: @unchecked Sendable {
    static let bytes = Spool.slotBytes

    /// A part of the block, around everything that is unsaved.
    private(set) var memory: PatchMemory.Piece?
    private var memoryStart = 0
    /// What only the memory has, counted from the beginning of the block.
    private(set) var unsaved = OffsetSet()
    private(set) var slot: SpoolSlot?
    var isSpooling = false

    /// Whether `bytes` were written at `offset` of the block; false: memory must be given back before.
    func write(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, in budget: PatchMemory
    ) throws(ClientError) -> Bool {
        let range = offset..<offset + bytes.count
        guard !isSpooling, try makeMemory(for: range, in: budget) else { return false }
        guard let memory, let source = bytes.baseAddress else { return true }
        memcpy(memory.base + (offset - memoryStart), source, bytes.count)
        unsaved.insert(UInt64(range.lowerBound)..<UInt64(range.upperBound))
        return true
    }

    private func makeMemory(for range: Range<Int>, in budget: PatchMemory) throws(ClientError) -> Bool {
        let present = memoryStart..<memoryStart + (memory?.count ?? 0)
        if memory != nil, present.lowerBound <= range.lowerBound, range.upperBound <= present.upperBound { return true }
        let page = ClientLimits.pageBytes
        var low = range.lowerBound / page * page
        var high = range.upperBound
        if memory != nil { (low, high) = (min(low, present.lowerBound), max(high, present.upperBound)) }
        let size = BufferPool.roundedSize(high - low)
        // Room that rounding adds is of use before the end of the block.
        low = min(low, Self.bytes - size)
        guard budget.grants(size - present.count) else { return false }
        guard let larger = budget.take(size) else { throw ClientError(.noMemory, "write") }
        if let memory { memcpy(larger.base + (present.lowerBound - low), memory.base, memory.count) }
        if memory == nil { budget.mayBeSpooled(self) }
        memory = larger
        memoryStart = low
        return true
    }

    /// Copies `range` of the block to `target`, as far as it is in memory; answers what must be read from the slot.
    func read(_ range: Range<Int>, into target: UnsafeMutableRawPointer) -> [SpoolRead] {
        var reads: [SpoolRead] = []
        var position = range.lowerBound
        func readSlot(to end: Int) {
            guard position < end, let slot else { return }
            let place = target + (position - range.lowerBound)
            reads.append(SpoolRead(slot: slot, offset: position, target: place, count: end - position))
        }
        let isSpoolBelieved = Mutation.spoolIsBelieved.isPlanted && slot != nil
        let known = isSpoolBelieved ? OffsetSet() : unsaved
        for part in known.intersection(UInt64(range.lowerBound)..<UInt64(range.upperBound)) {
            let (start, end) = (Int(part.lowerBound), Int(part.upperBound))
            readSlot(to: start)
            if let memory {
                memcpy(target + (start - range.lowerBound), memory.base + (start - memoryStart), end - start)
            }
            position = end
        }
        readSlot(to: range.upperBound)
        return reads
    }

    // MARK: Spooling

    /// Writes what is unsaved to its slot, or another one. On a worker.
    func save(in spool: Spool) throws(ClientError) -> SpoolSlot {
        let target: SpoolSlot
        if let slot { target = slot } else { target = try spool.takeSlot() }
        guard let memory else { return target }
        for range in unsaved.ranges {
            let start = Int(range.lowerBound)
            let bytes = UnsafeRawBufferPointer(start: memory.base + (start - memoryStart), count: range.count)
            try target.write(bytes, at: start)
        }
        return target
    }

    /// Its bytes are in the slot.
    func saved(in slot: SpoolSlot) {
        self.slot = slot
        memory = nil
        memoryStart = 0
        unsaved = OffsetSet()
    }
}

/// Bytes that are to be read from the spool.
///
/// `@unchecked Sendable`: whoever made it keeps the target alive, and does not look at it before it was read.
struct SpoolRead: @unchecked Sendable {
    let slot: SpoolSlot
    let offset: Int
    let target: UnsafeMutableRawPointer
    let count: Int

    func run() throws(ClientError) {
        try slot.read(UnsafeMutableRawBufferPointer(start: target, count: count), at: offset)
    }
}

import Protocol

/// What the index says and what it adds up to. Changed by one thread at a time, in the order of the log.
struct SmallBlockState {
    /// A record in a segment.
    struct Placed {
        var record: SegmentRecord
        var offset: Int
    }

    let index: SmallBlockIndex
    private(set) var segments: [UInt64: SmallBlockIndex.SegmentUse]
    /// Nil until something was written.
    private(set) var checkpoint: SmallBlockIndex.Checkpoint?

    init(_ index: SmallBlockIndex) throws(BlockStoreError) {
        self.index = index
        checkpoint = try index.checkpoint()
        segments = try index.segments()
    }

    var blocks: Int { Int(clamping: checkpoint?.blocks ?? 0) }

    /// Writes the first checkpoint, durably: an index without one was lost.
    mutating func begin() throws(BlockStoreError) {
        var changes = SmallBlockIndex.Changes()
        SmallBlockIndex.put(SmallBlockIndex.Checkpoint(), in: &changes)
        try index.apply(changes)
        try index.flush()
        checkpoint = SmallBlockIndex.Checkpoint()
    }

    /// Takes over records that lie in `segment`, which is in the index up to `end` then. All or, after an error,
    /// nothing.
    mutating func apply(_ records: [Placed], in segment: UInt64, upTo end: Int) throws(BlockStoreError) {
        var changes = SmallBlockIndex.Changes()
        var checkpoint = self.checkpoint ?? SmallBlockIndex.Checkpoint()
        var uses = [segment: segments[segment] ?? .init()]
        var pending: [BlockID: SmallBlockIndex.Location?] = [:]
        for placed in records {
            let (record, block) = (placed.record, placed.record.block)
            let old = if let known = pending[block] { known } else { try index.location(of: block) }
            if let old {
                // A segment that is not known is left as it is, for the blocks that nobody has counted.
                uses[old.segment] = uses[old.segment] ?? segments[old.segment]
                uses[old.segment]?.removeLive(old.length)
                checkpoint.blocks -= min(checkpoint.blocks, 1)
            }
            uses[segment]?.written &+= UInt64(record.length)
            switch record.kind {
            case .block:
                let location = SmallBlockIndex.Location(
                    segment: segment, offset: placed.offset + SegmentRecord.headerSize, size: record.size)
                pending[block] = .some(location)
                uses[segment]?.live &+= UInt64(record.length)
                checkpoint.blocks &+= 1
                SmallBlockIndex.put(block, at: location, in: &changes)
            case .erasure:
                pending[block] = .some(nil)
                SmallBlockIndex.remove(block, in: &changes)
            }
            checkpoint.batch = max(checkpoint.batch, record.batch)
        }
        if records.isEmpty, segments[segment] == nil { uses[segment] = nil }
        for (number, use) in uses { SmallBlockIndex.put(number, use, in: &changes) }
        checkpoint.segment = segment
        checkpoint.offset = UInt64(end)
        SmallBlockIndex.put(checkpoint, in: &changes)
        try index.apply(changes)
        self.checkpoint = checkpoint
        segments.merge(uses) { $1 }
    }

    /// Forgets segments whose files are gone, or about to go.
    mutating func forget(_ numbers: [UInt64]) throws(BlockStoreError) {
        var changes = SmallBlockIndex.Changes()
        for number in numbers { SmallBlockIndex.remove(segment: number, in: &changes) }
        try index.apply(changes)
        for number in numbers { segments[number] = nil }
    }

    /// Takes a segment back that was forgotten although blocks lie in it.
    mutating func adopt(_ number: UInt64, _ use: SmallBlockIndex.SegmentUse) throws(BlockStoreError) {
        var changes = SmallBlockIndex.Changes()
        SmallBlockIndex.put(number, use, in: &changes)
        try index.apply(changes)
        segments[number] = use
    }

    // MARK: Garbage

    /// Segments of which nothing is of use any more.
    func deadSegments(except number: UInt64?) -> [UInt64] {
        segments.filter { $0.key != number && $0.value.live == 0 }.map(\.key)
    }

    /// The segment that gives back most for the least copying, if any is worth it and what it holds has `room`.
    func emptiest(except numbers: Set<UInt64>, holdingAtMost room: UInt64) -> UInt64? {
        segments.filter { !numbers.contains($0.key) && $0.value.isWorthMoving && $0.value.live <= room }
            .min { $0.value.liveShare < $1.value.liveShare }?.key
    }

    /// Whether a segment is worth being left so that its garbage can go.
    func isWorthLeaving(_ number: UInt64) -> Bool {
        segments[number].map { $0.isWorthMoving && $0.written >= 1 << 20 } ?? false
    }
}

extension SmallBlockIndex.SegmentUse {
    mutating func removeLive(_ bytes: Int) { live = live > UInt64(bytes) ? live - UInt64(bytes) : 0 }

    /// At least a third is garbage: segments take at most half as much again as their blocks.
    var isWorthMoving: Bool { written > 0 && live &* 3 < written &* 2 }
    var liveShare: Double { written == 0 ? 0 : Double(live) / Double(written) }
}

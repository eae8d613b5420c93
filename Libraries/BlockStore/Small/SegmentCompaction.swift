import Protocol

/// Finds the blocks that are still of use in segments with much garbage, a few at a time. Used by one thread at a time.
struct SegmentCompaction {
    private let files: SegmentFiles
    private let key: SecretKey
    private let reserve: SpaceReserve
    private var present: (number: UInt64, reader: SegmentReader)?
    /// Read to the end, and something in them is of use still: a damaged header hides it from us.
    private var stuck: Set<UInt64> = []

    /// Bytes that are copied between two looks at who waits.
    private static let stepBytes = 256 << 10
    /// What moving a segment leaves free. Half of a segment moved would be space lost until the rest follows.
    private static let spareBytes: UInt64 = 512 << 10

    init(_ files: SegmentFiles, _ key: SecretKey, _ reserve: SpaceReserve) {
        self.reserve = reserve
        self.files = files
        self.key = key
    }

    /// Begins from the start next time: what was handed out may not have been written.
    mutating func stop() {
        present = nil
        stuck = []
    }

    /// Blocks to be written again, possibly none yet; nil when no segment is worth it.
    mutating func next(
        _ state: SmallBlockState, writing current: UInt64?
    ) throws(BlockStoreError) -> [SegmentWriter.Pending]? {
        guard let (number, reader) = try opened(state, current) else { return nil }
        var (result, bytes): ([SegmentWriter.Pending], Int) = ([], 0)
        while bytes < Self.stepBytes {
            guard let found = try reader.next() else {
                present = nil
                stuck.insert(number)  // if all of it could be moved it is dead now, and no longer asked about
                break
            }
            guard found.record.kind == .block, let location = try state.index.location(of: found.record.block),
                location.segment == number, location.offset == found.pagesOffset
            else { continue }
            // As they are: damage of a page travels with it and is found by a check.
            result.append(.init(record: found.record, pages: Array(try reader.pages(of: found))))
            bytes += found.record.length
        }
        return result
    }

    /// The segment to be moved next; gives up the reserve when only that makes room for it.
    private func choose(
        _ state: SmallBlockState, except others: Set<UInt64>
    ) throws(BlockStoreError) -> UInt64? {
        let available = try files.availableBytes()
        let room = available > Self.spareBytes ? available - Self.spareBytes : 0
        if let number = state.emptiest(except: others, holdingAtMost: room) { return number }
        let last = state.emptiest(except: others, holdingAtMost: room + SpaceReserve.bytes - Self.spareBytes)
        guard let last, reserve.release() else { return nil }
        return last
    }

    private mutating func opened(
        _ state: SmallBlockState, _ current: UInt64?
    ) throws(BlockStoreError) -> (UInt64, SegmentReader)? {
        if let present { return (present.number, present.reader) }
        stuck.formIntersection(state.segments.keys)
        guard let number = try choose(state, except: stuck.union(current.map { [$0] } ?? [])) else { return nil }
        let seal = SegmentSeal(key, segment: number)
        let reader = SegmentReader(try files.open(number).file, seal, from: 0)
        present = (number, reader)
        return (number, reader)
    }
}

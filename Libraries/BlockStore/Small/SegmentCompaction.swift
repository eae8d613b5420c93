import Protocol

/// Finds the blocks that are still of use in segments with much garbage, a few at a time. Used by one thread at a time.
struct SegmentCompaction {
    private let files: SegmentFiles
    private let key: SecretKey
    private let reserve: SpaceReserve
    private var present: (number: UInt64, reader: SegmentReader)?
    /// Read to the end, and something in them is of use still: a damaged header hides it from us.
    private var stuck: Set<UInt64> = []
    /// Set aside until the disk is opened anew: the medium does not give all of it back. Their blocks stay where they
    /// are, for whoever can still read them.
    private(set) var unreadable: Set<UInt64> = []
    private var notices: [SmallBlockNotice] = []

    /// Bytes that are copied, and that are looked at, between two looks at who waits.
    private static let (stepBytes, scanBytes) = (256 << 10, 2 << 20)
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

    /// What was found since the last call.
    mutating func takeNotices() -> [SmallBlockNotice] {
        defer { notices = [] }
        return notices
    }

    /// Blocks to be written again, possibly none yet; nil when no segment is worth it. A segment that cannot be read
    /// is set aside and does not keep the others from their turn.
    mutating func next(
        _ state: SmallBlockState, writing current: UInt64?
    ) throws(BlockStoreError) -> [SegmentWriter.Pending]? {
        let chosen = if let present { Optional(present.number) } else { try selected(state, current) }
        guard let number = chosen else { return nil }
        do throws(BlockStoreError) {
            return try step(in: number, state)
        } catch {
            guard unreadable.contains(number) else { throw error }
            present = nil
            return []
        }
    }

    private mutating func step(
        in number: UInt64, _ state: SmallBlockState
    ) throws(BlockStoreError) -> [SegmentWriter.Pending] {
        let reader = try opened(number)
        let start = reader.validEnd
        var (result, bytes): ([SegmentWriter.Pending], Int) = ([], 0)
        while bytes < Self.stepBytes, reader.validEnd - start < Self.scanBytes {
            guard let found = try reading(number, { () throws(BlockStoreError) in try reader.next() }) else {
                present = nil
                stuck.insert(number)  // if all of it could be moved it is dead now, and no longer asked about
                break
            }
            guard found.record.kind == .block, let location = try state.index.location(of: found.record.block),
                location.segment == number, location.offset == found.pagesOffset
            else { continue }
            // As they are: damage of a page travels with it and is found by a check.
            let pages = try reading(number) { () throws(BlockStoreError) in Array(try reader.pages(of: found)) }
            result.append(.init(record: found.record, pages: pages))
            bytes += found.record.length
        }
        return result
    }

    /// The segment to be moved next; gives up the reserve when only that makes room for it.
    private func choose(
        _ state: SmallBlockState, except others: Set<UInt64>
    ) throws(BlockStoreError) -> UInt64? {
        let available = try files.availableBytes()
        let room = available > Self.spareBytes ? min(available - Self.spareBytes, .max / 2) : 0
        if let number = state.emptiest(except: others, holdingAtMost: room) { return number }
        let last = state.emptiest(except: others, holdingAtMost: room + SpaceReserve.bytes - Self.spareBytes)
        guard let last, reserve.release() else { return nil }
        return last
    }

    private mutating func selected(
        _ state: SmallBlockState, _ current: UInt64?
    ) throws(BlockStoreError) -> UInt64? {
        stuck.formIntersection(state.segments.keys)
        unreadable.formIntersection(state.segments.keys)
        return try choose(state, except: stuck.union(unreadable).union(current.map { [$0] } ?? []))
    }

    private mutating func opened(_ number: UInt64) throws(BlockStoreError) -> SegmentReader {
        if let present { return present.reader }
        let file = try reading(number) { [files] () throws(BlockStoreError) in try files.open(number).file }
        let reader = SegmentReader(file, SegmentSeal(key, segment: number), from: 0)
        present = (number, reader)
        return reader
    }

    /// Reads of a segment; sets it aside when the medium fails, or it is gone.
    private mutating func reading<Result>(
        _ number: UInt64, _ body: () throws(BlockStoreError) -> Result
    ) throws(BlockStoreError) -> Result {
        do throws(BlockStoreError) {
            return try body()
        } catch {
            if error.isUnreadable || error.isMissingFile {
                unreadable.insert(number)
                let text = "\(SegmentFiles.name(number)) is left as it is, its garbage with it: \(error)"
                notices.append(.init(text, isMediumError: true))
            }
            throw error
        }
    }
}

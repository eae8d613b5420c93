import Glibc
import Mutations
import Protocol

/// Brings the index up to what the segments say: what a crash took from it is read again; a batch that was cut off by
/// the crash is cleaned away.
struct SmallBlockRecovery {
    /// What an operator should know about.
    private(set) var notices: [String] = []

    private let files: SegmentFiles
    private let key: SecretKey
    /// Whether leftovers are removed.
    private let cleans: Bool

    private static let applyAtOnce = 1000
    private static let copyAtOnce = 1 << 20

    init(_ files: SegmentFiles, _ key: SecretKey, cleans: Bool) {
        self.files = files
        self.key = key
        self.cleans = cleans
    }

    /// Returns the number for the next segment.
    mutating func run(_ state: inout SmallBlockState) throws(BlockStoreError) -> UInt64 {
        let numbers = try files.numbers()
        let checkpoint = state.checkpoint
        let isNew = checkpoint == nil
        let start = checkpoint ?? .init()
        if isNew, numbers.isEmpty, cleans { try state.begin() }
        if isNew, !numbers.isEmpty { notices.append("the index is made anew from \(numbers.count) segments") }
        let unread = numbers.filter { isNew || $0 >= start.segment }
        if cleans {
            // Without an index all segments are unread. Most of them are as old as the disk and were synced long ago.
            for number in unread { try makeDurable(number, from: isNew ? nil : Self.offset(in: number, start)) }
        }
        let lastBatch = try findLastBatch(unread, start)
        for number in unread {
            try replay(number, from: Self.offset(in: number, start), lastBatch, &state)
        }
        try settle(numbers, unread, &state)
        return max((numbers.last ?? 0) &+ 1, start.segment &+ 1)
    }

    private static func offset(in number: UInt64, _ start: SmallBlockIndex.Checkpoint) -> Int {
        number == start.segment ? Int(clamping: start.offset) : 0
    }

    /// What a process that died, or met an error, had written and not synced is taken over below, and older copies are
    /// deleted for it. It may be in the page cache alone, where a sync that failed leaves what no later one writes. So
    /// it is written once more, where it stands: a power failure meanwhile leaves of each sector the same.
    /// - Parameter start: nil: only synced.
    private func makeDurable(_ number: UInt64, from start: Int?) throws(BlockStoreError) {
        let name = SegmentFiles.name(number)
        let file = try FileDescriptor.open(name, in: files.directory, flags: O_RDWR)
        if let start, !Mutation.refusedSegmentsAreBelieved.isPlanted { try writeAgain(file, from: start) }
        try file.sync(name)
    }

    private func writeAgain(_ file: FileDescriptor, from start: Int) throws(BlockStoreError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.copyAtOnce, alignment: 4096)
        defer { buffer.deallocate() }
        var position = start
        while true {
            let count = try file.read(into: buffer, at: position)
            guard count > 0 else { return }
            try file.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]), at: position)
            position += count
        }
    }

    private func reader(_ number: UInt64, from offset: Int) throws(BlockStoreError) -> SegmentReader {
        SegmentReader(try files.open(number).file, SegmentSeal(key, segment: number), from: offset)
    }

    /// Every batch before it was durable, so that what is missing from one was lost later and is not a torn write.
    private func findLastBatch(
        _ numbers: [UInt64], _ start: SmallBlockIndex.Checkpoint
    ) throws(BlockStoreError) -> UInt64 {
        var last: UInt64 = 0
        for number in numbers.reversed() where last == 0 {
            let reader = try reader(number, from: Self.offset(in: number, start))
            while let found = try reader.next() { last = max(last, found.record.batch) }
        }
        return last
    }

    private mutating func replay(
        _ number: UInt64, from offset: Int, _ lastBatch: UInt64, _ state: inout SmallBlockState
    ) throws(BlockStoreError) {
        let reader = try reader(number, from: offset)
        var placed: [SmallBlockState.Placed] = []
        var torn = 0
        while let found = try reader.next() {
            if found.skipped > 0 {
                let name = SegmentFiles.name(number)
                let place = "\(found.skipped) bytes before \(found.offset)"
                notices.append("\(name): \(place) are damaged; blocks there are lost")
            }
            if try isTorn(found, reader, lastBatch, state, placed) {
                torn += 1
                continue
            }
            placed.append(.init(record: found.record, offset: found.offset))
            if placed.count == Self.applyAtOnce {
                try state.apply(placed, in: number, upTo: reader.validEnd)
                placed = []
            }
        }
        if torn > 0 { notices.append("\(SegmentFiles.name(number)): \(torn) blocks of an interrupted write removed") }
        // Also without records, so that the checkpoint moves on.
        try state.apply(placed, in: number, upTo: reader.validEnd)
        if cleans { try cut(number, at: reader.validEnd) }
    }

    /// Whether a record is not to be taken over because pages of it are missing: in the last batch that says that it
    /// was never acknowledged. Anywhere else it may be rot, which readers find, or what a batch left behind that could
    /// not be written; the block that is there already is better in any case.
    private func isTorn(
        _ found: SegmentReader.Found, _ reader: SegmentReader, _ lastBatch: UInt64, _ state: SmallBlockState,
        _ placed: [SmallBlockState.Placed]
    ) throws(BlockStoreError) -> Bool {
        guard !SegmentRecord.areWhole(try reader.pages(of: found)) else { return false }
        let block = found.record.block
        if found.record.batch == lastBatch { return true }
        if let last = placed.last(where: { $0.record.block == block }) { return last.record.kind == .block }
        return try state.index.location(of: block) != nil
    }

    /// Takes zeros and torn records off the end.
    private func cut(_ number: UInt64, at end: Int) throws(BlockStoreError) {
        let name = SegmentFiles.name(number)
        let file = try FileDescriptor.open(name, in: files.directory, flags: O_WRONLY)
        guard try file.size() > end else { return }
        guard ftruncate(file.raw, end) == 0 else { throw .last("truncate \(name)") }
    }

    /// Makes the files and what the index knows about them agree.
    private mutating func settle(
        _ numbers: [UInt64], _ unread: [UInt64], _ state: inout SmallBlockState
    ) throws(BlockStoreError) {
        let present = Set(numbers)
        let gone = state.segments.filter { !present.contains($0.key) }
        for (number, use) in gone.sorted(by: { $0.key < $1.key }) where use.live > 0 {
            notices.append("\(SegmentFiles.name(number)) is missing; \(use.live) bytes of blocks are lost")
        }
        try state.forget(gone.map(\.key))
        guard cleans else { return }
        // What was found torn must not be met again by a later replay, when it no longer is at the end.
        if !unread.isEmpty { try state.index.flush() }
        // Deleted, but the deletion did not reach the disk; or never written to. Or the index forgot it.
        for number in numbers where state.segments[number] == nil {
            let name = SegmentFiles.name(number)
            do throws(BlockStoreError) {
                let use = try use(of: number, state)
                guard use.live > 0 else {
                    try files.delete(number)
                    continue
                }
                notices.append("\(name) was missing in the index; it holds \(use.live) bytes of blocks")
                try state.adopt(number, use)
            } catch where error.isUnreadable {
                notices.append("\(name) is not in the index and cannot be read; it is left as it is: \(error)")
            }
        }
    }

    /// What of a segment the index refers to.
    private func use(
        of number: UInt64, _ state: SmallBlockState
    ) throws(BlockStoreError) -> SmallBlockIndex.SegmentUse {
        let reader = try reader(number, from: 0)
        var use = SmallBlockIndex.SegmentUse()
        while let found = try reader.next() {
            use.written &+= UInt64(found.record.length)
            guard found.record.kind == .block, let location = try state.index.location(of: found.record.block),
                location.segment == number, location.offset == found.pagesOffset
            else { continue }
            use.live &+= UInt64(found.record.length)
        }
        return use
    }
}

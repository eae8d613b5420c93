import Consensus
import Mutations
import Protocol

/// Finds out what an existing log contains, and changes nothing.
///
/// A record that is whole in one place is whole: damage to the other is healed. A newest record that is whole in neither
/// was cut short by a crash, so nobody was told that it is durable. In a log of the format without copies that cannot
/// be told from damage. What the disk refuses to read is damage as well (`LogRecovery+Unreadable`).
enum LogRecovery {
    struct Result {
        /// Segments with needed records.
        var reading = LogReading()
        /// Segments of `free` that must not be used again: needed records stand in them as well, which earlier openings
        /// wrote there, or they cannot be read everywhere.
        var unusable: [Segment] = []
        /// Pages that cannot be read and may have held the newest record, which is forgotten as was asked for.
        var givenUp: [(segment: Segment, offset: Int)] = []
        /// Everywhere that the newest record stands.
        var newestPlaces: [(segment: Segment, offset: Int)] = []
        var free: [Segment] = []
        var nextNumber: UInt64 = 1
        /// The hash of the newest record; 0 if there is none.
        var newestHash: UInt64 = 0
        var createdSegments = 0
        /// What is not as it was written, for people.
        var notices: [String] = []
    }

    /// A whole record, or what is left of one.
    struct Found {
        var record: LogRecord
        var offset: Int
        var segment: Segment
    }

    struct Damaged {
        var number: UInt64
        var format: LogFormat
        var offset: Int
        var segment: Segment
    }

    struct Scan {
        var segments: [Segment] = []
        var found: [Found] = []
        var damaged: [Damaged] = []

        func has(_ numbers: ClosedRange<UInt64>, in segment: Segment) -> Bool {
            found.contains { $0.segment === segment && numbers.contains($0.record.number) }
        }
    }

    static func run(
        _ disk: any LogDisk, _ identity: LogIdentity, acceptsLostTail: Bool = false
    ) throws(LogError) -> Result {
        var result = Result()
        let scan = try scan(disk, identity)
        result.createdSegments = scan.segments.compactMap { SegmentName.number($0.name) }.max() ?? 0
        let needed = try needed(scan, disk.path)
        for entry in needed {
            let segment = entry.segment
            if segment.records.isEmpty {
                segment.firstNumber = entry.record.number
                result.reading.begin(segment)
            }
            guard segment === result.reading.live.last else {
                throw .corruption("\(segment.file.path): record \(entry.record.number) stands behind later ones")
            }
            try take(StoredRecord(entry.record, at: entry.offset), of: segment, &result.reading)
            result.nextNumber = entry.record.number + 1
            result.newestHash = entry.record.hash
        }
        result.free = scan.segments.filter { $0.records.isEmpty }
        if let first = needed.first?.record.number, let newest = needed.last?.record.number {
            result.unusable = result.free.filter { scan.has(first...newest, in: $0) }
            result.newestPlaces = scan.found.filter { $0.record.number == newest }.map { ($0.segment, $0.offset) }
        }
        if let first = needed.first {
            findEnds(scan, from: first.record.number)
            result.notices = damage(in: scan, from: first.record.number, to: result.nextNumber - 1)
        }
        try judgeTail(scan, identity, &result, acceptsLostTail)
        setAsideUnreadable(scan, &result)
        return result
    }

    /// Remains of needed records that are whole in one other place. (One that a crash cut short is overtaken by another of
    /// its number, which is whole in two.)
    private static func damage(in scan: Scan, from first: UInt64, to last: UInt64) -> [String] {
        scan.damaged.filter { damaged in
            (first...last).contains(damaged.number)
                && scan.found.count { $0.record.number == damaged.number } == 1
        }.map { damaged in
            "record \(damaged.number) is damaged at byte \(damaged.offset) of \(damaged.segment.file.path); "
                + "its copy is used"
        }
    }

    /// One place of each needed record, in order.
    private static func needed(_ scan: Scan, _ path: String) throws(LogError) -> [Found] {
        guard let newest = scan.found.max(by: { $0.record.number < $1.record.number })?.record else { return [] }
        let found = scan.found.filter { $0.record.number >= newest.firstNeeded }
        let copies = Dictionary(grouping: found) { $0.record.number }
        var needed: [Found] = []
        for number in newest.firstNeeded...newest.number {
            guard let places = copies[number],
                let place = best(of: places, after: needed.last, copies[number + 1] ?? [])
            else {
                throw .corruption("\(path): record \(number) is damaged or missing")
            }
            guard places.allSatisfy({ $0.record == place.record }) else {
                throw .corruption("\(path): two different records have the number \(number)")
            }
            guard follows(place.record, on: needed.last?.record) else {
                throw .corruption("\(path): record \(number) does not follow on the one before it, which is another")
            }
            needed.append(place)
        }
        return needed
    }

    private static func follows(_ record: LogRecord, on last: LogRecord?) -> Bool {
        guard let last, let previous = record.previousHash else { return true }
        return previous == last.hash || Mutation.chainsAreNotFollowed.isPlanted
    }

    /// Where the records before and behind it stand, if it is there: what earlier openings wrote again stands alone.
    private static func best(of places: [Found], after last: Found?, _ following: [Found]) -> Found? {
        func rank(_ place: Found) -> Int {
            if place.segment === last?.segment { return 0 }
            return following.contains { $0.segment === place.segment } ? 1 : 2
        }
        return places.min { rank($0) < rank($1) }
    }

    /// Behind every place of a needed record, also those that were not chosen: one of them may be the only one that
    /// really is on the disk. On a page of its own, as the last page may have copies behind it.
    private static func findEnds(_ scan: Scan, from firstNeeded: UInt64) {
        for found in scan.found where found.record.number >= firstNeeded {
            let end = (found.offset + found.record.storedSize + SegmentLayout.page - 1) / SegmentLayout.page
            found.segment.end = max(found.segment.end, end * SegmentLayout.page)
        }
    }

    /// What is to be thought of the remains of a record behind the newest whole one.
    private static func judgeTail(
        _ scan: Scan, _ identity: LogIdentity, _ result: inout Result, _ acceptsLostTail: Bool
    ) throws(LogError) {
        if scan.found.isEmpty, let remains = scan.damaged.first(where: { $0.number != 1 }) {
            let path = remains.segment.file.path
            throw .corruption("\(path): record \(remains.number) is damaged, and no other is whole")
        }
        let remains = scan.damaged.first { $0.number == result.nextNumber }
        let hiding = hidingPages(scan, identity, result, remains)
        guard let remains else { return try judgeHidden(hiding, &result, acceptsLostTail) }
        let place = "record \(remains.number) at byte \(remains.offset) of \(remains.segment.file.path)"
        switch (identity.hasCopies && hiding.isEmpty, acceptsLostTail) {
        case (true, _):
            result.notices.append("\(place) was not written to its end; nobody was told that it was")
        case (false, false):
            let doubt = try entriesInDoubt(remains, result.reading.live)
            throw .inDoubt(
                "\(place) is damaged; a crash may have cut it short, or the disk may have lost \(doubt), which clients "
                    + "were told is done")
        case (false, true):
            let doubt = try entriesInDoubt(remains, result.reading.live)
            result.notices.append("\(place) is damaged and FORGOTTEN, as was asked for, and with it \(doubt)")
            result.givenUp = hiding
        }
    }

    /// What can still be made out of the entries in a damaged record.
    private static func entriesInDoubt(_ remains: Damaged, _ live: [Segment]) throws(LogError) -> String {
        var tails = live.reduce(into: [:]) { $0.merge($1.tails) { max($0, $1) } }
        let start = remains.offset / SegmentLayout.page * SegmentLayout.page
        let count = remains.segment.layout.fileBytes - start
        var entries: [String] = []
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
        defer { bytes.deallocate() }
        _ = try remains.segment.file.readPages(bytes, at: start)
        let entriesBegin = min(remains.offset - start + remains.format.headerSize, count)
        let rest = UnsafeRawBufferPointer(rebasing: bytes[entriesBegin...])
        _ = LogBatch.forEach(in: rest, remains.format) { entry in
            guard entry.index == (tails[entry.group] ?? .zero).next else { return }
            tails[entry.group] = entry.index
            entries.append("entry \(entry.index) of \(entry.group)")
        }
        guard !entries.isEmpty else { return "its entries, none of which can be made out" }
        let others = entries.count > 4 ? " and \(entries.count - 4) more" : ""
        return entries.prefix(4).joined(separator: ", ") + others
    }

    private static func scan(_ disk: any LogDisk, _ identity: LogIdentity) throws(LogError) -> Scan {
        var scan = Scan()
        for name in try disk.names() where SegmentName.number(name) != nil {
            let file = try disk.open(name, create: false)
            let size = try file.size()
            let segment = Segment(name, file, fileBytes: size)
            scan.segments.append(segment)
            try self.scan(segment, size, identity, &scan)
        }
        return scan
    }

    /// All records of a segment, live or left over.
    private static func scan(
        _ segment: Segment, _ size: Int, _ identity: LogIdentity, _ scan: inout Scan
    ) throws(LogError) {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)
        defer { bytes.deallocate() }
        segment.unreadable = try segment.file.readPages(bytes, at: 0)
        var offset = 0
        while offset < size {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            if let record = LogRecord(at: rest, identity: identity.number) {
                scan.found.append(Found(record: record, offset: offset, segment: segment))
                offset += record.storedSize
            } else {
                if let format = LogRecord.claimedFormat(at: rest, identity: identity.number),
                    let number = LogRecord.claimedNumber(at: rest, identity: identity.number)
                {
                    scan.damaged.append(Damaged(number: number, format: format, offset: offset, segment: segment))
                }
                offset += LogRecord.alignment
            }
        }
    }

    /// Takes notice of what is in a needed record.
    private static func take(
        _ record: StoredRecord, of segment: Segment, _ reading: inout LogReading
    ) throws(LogError) {
        segment.records.append(record)
        let payload = try segment.payload(of: record)
        guard payload.withUnsafeBytes({ reading.take($0, record.format, in: segment) }) else {
            throw .corruption(
                "record \(record.number) of \(segment.file.path) does not hold what a log does, or an entry in it does "
                    + "not follow on those before")
        }
    }

    static func tails(of record: StoredRecord, in segment: Segment) throws(LogError) -> [LogGroupID: LogIndex] {
        var tails: [LogGroupID: LogIndex] = [:]
        let payload = try segment.payload(of: record)
        let isWhole = payload.withUnsafeBytes { packed in
            LogBatch.forEach(in: packed, record.format) { if $0.kind.isEntry { tails[$0.group] = $0.index } }
        }
        guard isWhole else { throw .corruption("record \(record.number) of \(segment.file.path)") }
        return tails
    }
}

import Mutations

// What the disk refuses to read. Disks have checksums of their own, so what rots in them is an error of reading as a
// rule, and no other bytes: such a page is damage like any other, and a record whose other place is whole is whole.
extension LogRecovery {
    /// Unreadable pages that may hide the record after the newest whole one: it may begin in one of them, and its copy
    /// in another, or they may hold the rest of its `remains`.
    static func hidingPages(
        _ scan: Scan, _ identity: LogIdentity, _ result: Result, _ remains: Damaged?
    ) -> [(segment: Segment, offset: Int)] {
        guard !Mutation.unreadablePagesAreEmpty.isPlanted else { return [] }
        var hiding: [(segment: Segment, offset: Int)] = []
        for segment in scan.segments where !segment.unreadable.isEmpty {
            let newest = Newest(in: segment, result)
            var pages: [Int] = []
            if let remains {
                if remains.segment === segment { pages = segment.unreadable.filter { $0 >= newest.begin } }
            } else if newest.mayBeFollowed {
                for begin in newest.ends(identity.hasCopies) where segment.unreadable.contains(begin) {
                    let behind = segment.unreadable.filter { $0 > begin }
                    if !identity.hasCopies || !behind.isEmpty { pages = [begin] + behind }
                }
            }
            for page in pages { hiding.append((segment, page)) }
        }
        return hiding
    }

    /// What is to be thought of them when nothing of such a record can be seen.
    static func judgeHidden(
        _ pages: [(segment: Segment, offset: Int)], _ result: inout Result, _ acceptsLostTail: Bool
    ) throws(LogError) {
        guard let first = pages.first else { return }
        let place = "\(first.segment.file.path) cannot be read at byte \(first.offset)"
        let record = "record \(result.nextNumber), which may have stood there"
        guard acceptsLostTail else {
            throw .inDoubt("\(place); the disk may have lost \(record), and which clients were told is done")
        }
        result.notices.append("\(place); it is FORGOTTEN, as was asked for, and with it \(record)")
        result.givenUp = pages
    }

    /// Segments that cannot be read everywhere are told of, and neither written to nor used again.
    static func setAsideUnreadable(_ scan: Scan, _ result: inout Result) {
        for segment in scan.segments {
            guard let first = segment.unreadable.first else { continue }
            result.notices.append(
                "\(segment.unreadable.count * SegmentLayout.page >> 10) KiB of \(segment.file.path) cannot be read, the"
                    + " first at byte \(first); the disk is failing")
            segment.end = segment.layout.fileBytes
            guard segment.records.isEmpty, !result.unusable.contains(where: { $0 === segment }) else { continue }
            result.unusable.append(segment)
        }
    }

    /// Where the newest whole record stands in a segment, if it does.
    private struct Newest {
        private let places: [Int]
        private let storedSize: Int
        /// Whether the next record may stand in the segment: behind the newest one, or where nothing needed is.
        let mayBeFollowed: Bool

        init(in segment: Segment, _ result: Result) {
            places = result.newestPlaces.filter { $0.segment === segment }.map(\.offset)
            storedSize = result.reading.live.last?.records.last?.storedSize ?? 0
            mayBeFollowed = !places.isEmpty || segment.records.isEmpty
        }

        /// Pages of the record, in one place.
        private var pages: Int { Self.roundedUp(storedSize) }

        private static func roundedUp(_ offset: Int) -> Int {
            (offset + SegmentLayout.page - 1) / SegmentLayout.page * SegmentLayout.page
        }

        /// Where pages begin that may hold something of the next record: a small one may share those of the newest.
        var begin: Int {
            guard let last = places.max() else { return 0 }
            guard storedSize <= SegmentLayout.page else { return Self.roundedUp(last + storedSize) }
            return max(last / SegmentLayout.page * SegmentLayout.page - SegmentLayout.page, 0)
        }

        /// Pages in which the next record may begin that are not its own.
        func ends(_ hasCopies: Bool) -> [Int] {
            guard let last = places.max() else { return [0] }
            let end = last + storedSize
            guard hasCopies else { return end % SegmentLayout.page == 0 ? [end] : [] }
            // One that stands alone may be the record or the copy.
            let isCopy = places.contains(last - pages)
            return isCopy ? [Self.roundedUp(end)] : [Self.roundedUp(end), Self.roundedUp(end) + pages]
        }
    }
}

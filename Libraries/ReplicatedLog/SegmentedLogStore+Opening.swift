import Mutations
import Protocol

// What opening a log does to it, before it is read.
extension SegmentedLogStore {
    /// Removes files that were never finished.
    func removeUnfinished() throws(LogError) {
        for name in try disk.names() where name.hasSuffix(SegmentName.unfinished) { try disk.remove(name) }
    }

    /// Overwrites what the operator has given up: it must not come back when the disk can read it again.
    func giveUp(_ pages: [(segment: Segment, offset: Int)]) throws(LogError) {
        for (segment, offset) in pages {
            let count = min(SegmentLayout.page, segment.layout.fileBytes - offset)
            try segment.file.write([UInt8](repeating: 0, count: count), at: offset)
            try segment.file.sync()
        }
    }

    /// Nothing tells whether the newest record is on the disk or only in the page cache. As it may be on the disk, it is
    /// written to a new place first; once that is durable also where it stands, so that any of its places will do from
    /// now on. Then an empty record becomes the newest: each later opening writes only that again.
    func writeNewestAgain(
        _ identity: LogIdentity, _ places: [(segment: Segment, offset: Int)]
    ) throws(LogError) {
        guard let last = reading.live.last, let newest = last.records.last else { return try adopt(identity) }
        if Mutation.newestRecordIsBelieved.isPlanted { return try last.file.sync() }
        let bytes = try last.bytes(of: newest)
        var segment = last
        if !last.layout.hasRoom(forRecord: newest.storedSize, at: last.end) {
            // Needed for as long as the segment where it stands already, so the new one begins behind it.
            segment = try otherSegment(for: newest, places.map(\.segment))
            segment.tails = try LogRecovery.tails(of: newest, in: last)
            reading.begin(segment)
        }
        let place = SegmentLayout.place(bytes.count, at: segment.end)
        try segment.file.write(bytes, at: place.offset)
        try segment.file.write(bytes, at: place.copyOffset)
        try segment.file.sync()
        segment.end = place.end
        for place in places {
            try place.segment.file.write(bytes, at: place.offset)
            try place.segment.file.sync()
        }
        try adopt(identity)
        guard newest.payloadCount > 0 else { return }
        try append([], payloadCount: 0, to: try self.segment(withRoomFor: LogRecord.alignment))
        try sync()
    }

    /// One that an earlier opening made for the same, or a new one. None that is free otherwise: should the newest record
    /// not be on the disk, those may be needed.
    private func otherSegment(for newest: StoredRecord, _ withNewest: [Segment]) throws(LogError) -> Segment {
        let other = free.first { segment in
            withNewest.contains { $0 === segment }
                && segment.layout.hasRoom(forRecord: newest.storedSize, at: segment.end)
        }
        guard let other else { return try makeSegment() }
        free.removeAll { $0 === other }
        return other
    }

    /// Removes free segments that must not be used again: those with records that earlier openings wrote again, since
    /// what is left of them would stand in the way of the order, those that cannot be read everywhere, and those of
    /// another size. Only once the newest record, which says that nothing in them is needed, is durable.
    func removeUnusable(_ unusable: [Segment]) throws(LogError) {
        var kept: [Segment] = []
        for segment in free {
            let isOfSize = try segment.file.size() == options.segmentBytes
            if isOfSize && !unusable.contains(where: { $0 === segment }) {
                kept.append(segment)
            } else {
                try disk.remove(segment.name)
            }
        }
        if kept.count < free.count { try disk.sync() }
        free = kept
    }

    /// From here on the log is of this version's format, and earlier versions refuse it.
    private func adopt(_ identity: LogIdentity) throws(LogError) {
        guard identity.version != .newest else { return }
        try LogIdentity(number: identity.number, version: .newest).store(on: disk)
    }
}

import Consensus
import Protocol

/// A file of a log and what lies in it.
final class Segment {
    let name: String
    let file: any LogDiskFile
    let layout: SegmentLayout
    /// Needed records, in order.
    var records: [StoredRecord] = []
    /// The number of the first needed record in it; nil when there is none.
    var firstNumber: UInt64?
    /// The last entry of each group in it that counts.
    var tails: [LogGroupID: LogIndex] = [:]
    /// Whether it holds the newest hard states and bases there were at its beginning, or there were none.
    var hasSummary = false
    /// The next record goes here or behind.
    var end = 0
    /// Pages that could not be read when the log was opened, by where they begin. Nothing is written to such a segment
    /// any more.
    var unreadable: [Int] = []

    init(_ name: String, _ file: any LogDiskFile, fileBytes: Int) {
        self.name = name
        self.file = file
        layout = SegmentLayout(fileBytes: fileBytes)
    }

    /// Whether it holds the entry at `index` of a group, or later ones.
    func mayHold(_ index: LogIndex, of group: LogGroupID) -> Bool { tails[group].map { $0 >= index } ?? false }

    /// Hands the items of a record to `body`.
    func forEachItem(of record: StoredRecord, _ body: (PackedItem) throws -> Void) throws {
        let isWhole = try payload(of: record).withUnsafeBytes { packed in
            try LogBatch.forEach(in: packed, record.format, body)
        }
        guard isWhole else { throw LogError.corruption("record \(record.number) of \(file.path)") }
    }

    /// Header, payload and padding.
    func bytes(of record: StoredRecord) throws(LogError) -> [UInt8] {
        try file.bytes(at: record.offset, count: record.storedSize)
    }

    func payload(of record: StoredRecord) throws(LogError) -> ArraySlice<UInt8> {
        let begin = record.format.headerSize
        return try bytes(of: record)[begin..<begin + record.payloadCount]
    }

    /// The same for one that may have rotted since it was written or looked at: it stands in two places.
    ///
    /// - Throws: `unreadable` when it is whole in neither.
    func wholePayload(of record: StoredRecord, identity: UInt64) throws(LogError) -> ArraySlice<UInt8> {
        let distance = SegmentLayout.distance(ofCopies: record.storedSize)
        for offset in [record.offset, record.offset + distance, record.offset - distance] where offset >= 0 {
            // What the disk refuses to read here it may have there.
            guard let bytes = try? file.bytes(at: offset, count: record.storedSize) else { continue }
            let found = bytes.withUnsafeBytes { LogRecord(at: $0, identity: identity) }
            guard let found, found.number == record.number, found.hash == record.hash else { continue }
            let begin = record.format.headerSize
            return bytes[begin..<begin + record.payloadCount]
        }
        throw .unreadable("record \(record.number) of \(file.path)")
    }

    func empty() {
        records.removeAll()
        firstNumber = nil
        tails.removeAll()
        hasSummary = false
        end = 0
    }
}

/// Where a record lies in its segment.
struct StoredRecord {
    var number: UInt64
    var offset: Int
    var payloadCount: Int
    var format: LogFormat
    /// Over all of it.
    var hash: UInt64

    init(_ record: LogRecord, at offset: Int) {
        number = record.number
        self.offset = offset
        payloadCount = record.payloadCount
        format = record.format
        hash = record.hash
    }

    var storedSize: Int { LogRecord.storedSize(payloadCount: payloadCount, format) }
}

import Protocol

/// A file of a log and what lies in it.
final class Segment {
    let name: String
    let file: any LogDiskFile
    let layout: SegmentLayout
    /// What recovery found, for `replay`; what is written later is not listed.
    var records: [StoredRecord] = []
    /// The number of the first needed record in it; nil when there is none.
    var firstNumber: UInt64?
    /// The last entry of each group in it.
    var tails: [LogGroupID: LogIndex] = [:]
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

    /// Hands the entries that recovery found to `body`.
    func replay(_ body: (LogGroupID, LogIndex, UnsafeRawBufferPointer) throws -> Void) throws {
        for record in records {
            let payload = try payload(of: record)
            let isWhole = try payload.withUnsafeBytes { packed in
                try LogBatch.forEach(in: packed, record.format) { try body($0.group, $0.index, $0.bytes) }
            }
            guard isWhole else { throw LogError.corruption("record \(record.number) of \(file.path)") }
        }
    }

    /// Header, payload and padding.
    func bytes(of record: StoredRecord) throws(LogError) -> [UInt8] {
        try file.bytes(at: record.offset, count: record.storedSize)
    }

    func payload(of record: StoredRecord) throws(LogError) -> ArraySlice<UInt8> {
        let begin = record.format.headerSize
        return try bytes(of: record)[begin..<begin + record.payloadCount]
    }

    func empty() {
        records.removeAll()
        firstNumber = nil
        tails.removeAll()
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

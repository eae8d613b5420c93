import Glibc
import Protocol

/// Finds out what an existing log contains.
enum LogRecovery {
    struct Result {
        var live: [SegmentedLogStore.Segment] = []
        var free: [SegmentedLogStore.Segment] = []
        var nextNumber: UInt64 = 1
        var createdSegments = 0
    }

    private struct Found {
        var record: LogRecord
        var offset: Int
        var segment: Int
    }

    static func run(
        _ directory: LogDirectory, identity: UInt64, isReadOnly: Bool = false
    ) throws(LogError) -> Result {
        var result = Result()
        var segments: [SegmentedLogStore.Segment] = []
        var found: [Found] = []
        for name in try directory.names() {
            guard let number = LogDirectory.segmentNumber(name) else { continue }
            result.createdSegments = max(result.createdSegments, number)
            let file = try LogFile(path: directory.path + "/" + name, create: false, isReadOnly: isReadOnly)
            let records = try scan(file, identity: identity)
            found += records.map { Found(record: $0.0, offset: $0.1, segment: segments.count) }
            segments.append(SegmentedLogStore.Segment(file))
        }
        for entry in try needed(found, directory.path) {
            let segment = segments[entry.segment]
            if segment.records.isEmpty {
                segment.firstNumber = entry.record.number
                result.live.append(segment)
            }
            segment.records.append(
                SegmentedLogStore.StoredRecord(
                    number: entry.record.number, offset: entry.offset, payloadCount: entry.record.payloadCount))
            segment.end = entry.offset + entry.record.storedSize
            result.nextNumber = entry.record.number + 1
        }
        result.free = segments.filter { $0.records.isEmpty }
        for segment in result.live { try readTails(of: segment) }
        return result
    }

    /// The records that are needed, in order.
    private static func needed(_ found: [Found], _ path: String) throws(LogError) -> [Found] {
        let sorted = found.sorted { $0.record.number < $1.record.number }
        guard let newest = sorted.last else { return [] }
        let needed = sorted.filter { $0.record.number >= newest.record.firstNeeded }
        guard let first = needed.first, first.record.number == newest.record.firstNeeded else {
            throw .corruption("\(path): record \(newest.record.firstNeeded) is damaged or missing")
        }
        for (previous, next) in zip(needed, needed.dropFirst())
        where next.record.number != previous.record.number + 1 {
            throw .corruption("\(path): record \(previous.record.number + 1) is damaged or missing")
        }
        return needed
    }

    /// All whole records of a file, live or left over.
    private static func scan(_ file: LogFile, identity: UInt64) throws(LogError) -> [(LogRecord, Int)] {
        let size = try file.size()
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)
        defer { bytes.deallocate() }
        try file.read(bytes, at: 0)
        var records: [(LogRecord, Int)] = []
        var offset = 0
        while offset < size {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
            if let record = LogRecord(at: rest, identity: identity) {
                records.append((record, offset))
                offset += record.storedSize
            } else {
                offset += LogRecord.alignment
            }
        }
        return records
    }

    private static func readTails(of segment: SegmentedLogStore.Segment) throws(LogError) {
        for record in segment.records {
            let payload = UnsafeMutableRawBufferPointer.allocate(byteCount: record.payloadCount, alignment: 16)
            defer { payload.deallocate() }
            try segment.file.read(payload, at: record.offset + LogRecord.headerSize)
            let isWhole = LogBatch.forEach(in: UnsafeRawBufferPointer(payload)) { group, index, _ in
                segment.tails[group] = index
            }
            guard isWhole else { throw .corruption("record \(record.number) of \(segment.file.path)") }
        }
    }
}

extension LogDirectory {
    static func segmentPath(_ directory: String, _ number: Int) -> String { "\(directory)/segment-\(number)" }

    static func segmentNumber(_ name: String) -> Int? {
        name.hasPrefix("segment-") ? Int(name.dropFirst("segment-".count)).flatMap { $0 > 0 ? $0 : nil } : nil
    }

    /// The log's secret number, drawn when the log is made. The file: "sterna log 1\n" and 8 bytes.
    func identity(mustExist: Bool) throws(LogError) -> UInt64 {
        let magic = Array("sterna log 1\n".utf8)
        let path = path + "/identity"
        let hasSegments = try names().contains { Self.segmentNumber($0) != nil }
        if access(path, F_OK) == 0 {
            let file = try LogFile(path: path, create: false, isReadOnly: true)
            var bytes = [UInt8](repeating: 0, count: magic.count + 8)
            try bytes.withLogBytes { (buffer) throws(LogError) in try file.read(buffer, at: 0) }
            guard bytes.starts(with: magic) else { throw .corruption("\(path) is not the identity of a log") }
            return bytes[magic.count...].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        guard !hasSegments else { throw .corruption("\(path) is missing") }
        guard !mustExist else { throw .missing(path) }
        let identity = UInt64.random(in: 1...UInt64.max)
        var bytes = magic + (0..<8).map { UInt8(truncatingIfNeeded: identity >> ($0 * 8)) }
        do {
            let file = try LogFile(path: path + ".new", create: true)
            try bytes.withLogBytes { (buffer) throws(LogError) in
                try file.write(UnsafeRawBufferPointer(buffer), at: 0)
            }
            try file.sync()
        }
        guard rename(path + ".new", path) == 0 else { throw .last("rename \(path).new") }
        try sync()
        return identity
    }
}

extension [UInt8] {
    /// `withUnsafeMutableBytes` with a typed error, which the standard library's does not have yet.
    fileprivate mutating func withLogBytes(
        _ body: (UnsafeMutableRawBufferPointer) throws(LogError) -> Void
    ) throws(LogError) {
        let failure = withUnsafeMutableBytes { (buffer) -> LogError? in
            do throws(LogError) { try body(buffer) } catch { return error }
            return nil
        }
        if let failure { throw failure }
    }
}

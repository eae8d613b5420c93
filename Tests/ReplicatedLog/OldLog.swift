import Protocol
import ReplicatedLog
import Simulator

/// Makes logs as earlier versions wrote them: of the format without copies, or of the one in which records are not
/// chained and entries have no term.
enum OldLog {
    /// - Parameter records: at most eight if they have copies.
    static func place(
        on disk: FaultyDisk, _ group: LogGroupID, records: Int, segmentBytes: Int, hasCopies: Bool = false
    ) {
        let identity: UInt64 = 0x0123_4567_89AB_CDEF
        let number = withUnsafeBytes(of: identity.littleEndian) { Array($0) }
        disk.place("identity", Array("sterna log \(hasCopies ? 2 : 1)\n".utf8) + number)
        var segment: [UInt8] = []
        for index in 1...records { segment += record(UInt64(index), (group, testEntry(index)), identity: identity) }
        if hasCopies {
            precondition(records <= 8, "they share a page")
            segment += [UInt8](repeating: 0, count: 4096 - segment.count) + segment
        }
        disk.place("segment-1", segment + [UInt8](repeating: 0, count: segmentBytes - segment.count))
    }

    /// A record as it stands on disk; the first one is needed.
    static func record(_ number: UInt64, _ entry: (LogGroupID, LogEntry), identity: UInt64) -> [UInt8] {
        let payload = packed(entry.0, entry.1)
        var record = LogRecord(
            number: number, firstNeeded: 1, previousHash: nil, payloadCount: payload.count, entryCount: 1)
        return record.bytes(around: payload, identity: identity)
    }

    private static func packed(_ group: LogGroupID, _ entry: LogEntry) -> [UInt8] {
        var packed: [UInt8] = []
        withUnsafeBytes(of: group.rawValue.littleEndian) { packed += $0 }
        withUnsafeBytes(of: entry.index.rawValue.littleEndian) { packed += $0 }
        withUnsafeBytes(of: UInt32(entry.bytes.count).littleEndian) { packed += $0 }
        return packed + entry.bytes
    }
}

extension LogRecord {
    /// As it stands on disk.
    mutating func bytes(around payload: [UInt8], identity: UInt64) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: storedSize)
        bytes.replaceSubrange(format.headerSize..<format.headerSize + payload.count, with: payload)
        bytes.withUnsafeMutableBytes { seal(in: $0, identity: identity) }
        return bytes
    }
}

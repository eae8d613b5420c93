import Consensus
import Protocol
import ReplicatedLog

/// Entry `index` of a test: as many bytes as said, all alike.
func testEntry(_ index: Int, count: Int = 20) -> LogEntry {
    let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: count)
    return LogEntry(index: LogIndex(rawValue: UInt64(index)), bytes: bytes)
}

func testBatch(_ entries: (LogGroupID, LogEntry)...) -> LogBatch {
    var batch = LogBatch()
    for (group, entry) in entries { batch.append(entry, of: group) }
    return batch
}

/// Why a log does not hold what it should.
struct WrongContents: Error {
    let group: LogGroupID
    let index: LogIndex
}

extension LogSource {
    /// The indices of all entries, which must be those of `testEntry`.
    func indices() throws -> [LogGroupID: [UInt64]] {
        var result: [LogGroupID: [UInt64]] = [:]
        try replay { group, entry in
            guard entry.bytes.allSatisfy({ $0 == UInt8(truncatingIfNeeded: entry.index.rawValue) }) else {
                throw WrongContents(group: group, index: entry.index)
            }
            result[group, default: []].append(entry.index.rawValue)
        }
        return result
    }
}

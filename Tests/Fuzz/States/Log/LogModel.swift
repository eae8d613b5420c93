import Protocol
import ReplicatedLog

/// What was put into a log, for comparing with what comes out of it.
struct LogModel {
    static let groups: UInt8 = 3

    private var entries: [UInt8: [UInt64: [UInt8]]] = [:]
    private var last: [UInt8: UInt64] = [:]
    private var synced: [UInt8: UInt64] = [:]
    private var trimmed: [UInt8: UInt64] = [:]
    private var seen: [UInt8: UInt64] = [:]

    mutating func append(_ bytes: [UInt8], to group: UInt8) -> LogEntry {
        let index = last[group, default: 0] &+ 1
        last[group] = index
        entries[group, default: [:]][index] = bytes
        return LogEntry(index: LogIndex(rawValue: index), bytes: bytes)
    }

    mutating func sync() { synced = last }

    /// The state of the group is durable up to `keeping` entries before its last synced one.
    mutating func trim(_ group: UInt8, keeping: Int) -> LogIndex {
        let end = synced[group, default: 0]
        let index = max(trimmed[group, default: 0], end - min(end, UInt64(keeping)))
        trimmed[group] = index
        return LogIndex(rawValue: index)
    }

    /// What the state of each group contains.
    var flushed: [LogGroupID: LogIndex] {
        Dictionary(
            uniqueKeysWithValues: (0..<Self.groups).map {
                (LogGroupID(rawValue: UInt32($0)), LogIndex(rawValue: trimmed[$0, default: 0]))
            })
    }

    mutating func replayed(
        _ group: LogGroupID, _ index: LogIndex, _ bytes: UnsafeRawBufferPointer, isForged: Bool
    ) throws {
        let group = UInt8(truncatingIfNeeded: group.rawValue)
        guard isForged || entries[group]?[index.rawValue] == [UInt8](bytes) else {
            throw Finding("entry \(index) of group \(group) is not what was written")
        }
        entries[group, default: [:]][index.rawValue] = [UInt8](bytes)
        seen[group] = index.rawValue
    }

    /// Everything synced must have come; what more came counts from now on, what did not never happened.
    mutating func endReplay(isDamaged: Bool) throws {
        for group in 0..<Self.groups {
            let needed = max(synced[group, default: 0], trimmed[group, default: 0])
            let found = max(seen[group, default: 0], trimmed[group, default: 0])
            guard found >= needed || isDamaged else {
                throw Finding("group \(group) ends at \(found), and \(needed) was synced")
            }
            last[group] = found
            synced[group] = found
        }
        seen = [:]
    }

    /// A record number near those that are in use, or far from them.
    func recordGuess(_ byte: UInt8) -> UInt64 {
        byte < 0xF0 ? UInt64(byte) : .max &- UInt64(byte & 0x0F)
    }
}

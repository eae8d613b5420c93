import Consensus
import Directories
import Glibc
import Protocol
import ReplicatedLog

// The last resort. The replica gets a new log, and with it a new name, which has everything of the old one, and behind
// that says of each group that this replica alone belongs to it, in a term that no other can have seen. All else is what
// any start does: the only voter elects itself, and what is in its log becomes final.
extension SurvivingReplica {
    private static let unfinished = "/log.recovered"
    private static let batchBytes = 1 << 20

    /// Goes on without the others: from the next start on all groups are alone here, until others are taken in. What the
    /// log was is kept beside it.
    ///
    /// - Returns: where.
    public func recover() throws -> String {
        guard groups.allSatisfy({ $0.nextTerm < .limit }) else { throw RecoveryError.termsAreUsedUp }
        try Self.removeLog(path + Self.unfinished)
        try writeLog()
        let kept = try freeName()
        try Self.rename(path + "/log", to: kept)
        try Self.finishExchange(in: path)
        return kept
    }

    private func writeLog() throws {
        let store = try SegmentedLogStore(directory: path + Self.unfinished)
        let member = Member(slot: slot, incarnation: store.incarnation)
        var batch = LogBatch()
        for group in groups {
            if let base = log.contents[group.id]?.base { batch.append(.base(base), of: group.id) }
        }
        let certain = Dictionary(uniqueKeysWithValues: groups.map { ($0.id, $0.certain) })
        _ = try log.replay { id, entry in
            guard let end = certain[id], entry.index > end else { return }
            let bytes = [UInt8](entry.bytes)
            batch.append(
                LogEntry(index: entry.index, term: entry.term, kind: entry.kind, bytes: bytes), of: id)
            guard batch.byteCount >= Self.batchBytes else { return }
            try store.write([batch])
            batch = LogBatch()
        }
        for group in groups { try group.begin(with: member, in: &batch) }
        try store.write([batch])
        try store.sync()
        store.close()
    }

    /// A new log takes the old one's place, also one that a crash has left waiting for that.
    static func finishExchange(in path: String) throws {
        guard access(path + "/log", F_OK) != 0, access(path + unfinished, F_OK) == 0 else { return }
        try rename(path + unfinished, to: path + "/log")
    }

    private static func rename(_ old: String, to new: String) throws {
        guard Glibc.rename(old, new) == 0 else {
            throw RecoveryError.file("rename \(old): \(String(cString: strerror(errno)))")
        }
        try DurableDirectory.syncName(ofFile: new)
    }

    /// What an attempt has left that was broken off.
    private static func removeLog(_ path: String) throws {
        guard access(path, F_OK) == 0 else { return }
        for name in try DirectoryListing.names(in: path) {
            guard unlink("\(path)/\(name)") == 0 else {
                throw RecoveryError.file("remove \(path)/\(name): \(String(cString: strerror(errno)))")
            }
        }
        guard rmdir(path) == 0 else {
            throw RecoveryError.file("remove \(path): \(String(cString: strerror(errno)))")
        }
    }

    private func freeName() throws -> String {
        let names = Set(try DirectoryListing.names(in: path))
        let number = (1...).first { !names.contains("log.before-recovery-\($0)") } ?? 0
        return "\(path)/log.before-recovery-\(number)"
    }
}

extension SurvivingGroup {
    /// Begins its new history behind all that there is.
    fileprivate func begin(with member: Member, in batch: inout LogBatch) throws {
        let position = Position(index: last.index.next, term: nextTerm)
        let alone = try configuration(alone: member).record()
        batch.append(
            LogEntry(index: position.index, term: position.term, kind: .configuration, bytes: alone),
            of: id)
        batch.append(.hardState(try HardState(term: position.term).record()), of: id)
    }
}

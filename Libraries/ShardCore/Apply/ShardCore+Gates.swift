import Mutations
import Protocol

// The gates that requests pass before they change anything (metadata.md B.0). Those that change a time return the
// record with the new time in it; the caller stores it together with its other changes.

extension ShardCore {
    /// A directory, live or snapshot.
    func anyDirectory(_ id: InodeID) throws(ShardFailure) -> DirectoryRecord {
        guard id.isDirectory else { throw .refused(.typeIsNotDirectory) }
        guard let record = try state.directory(id) else { throw .refused(.directoryNotFound) }
        return record
    }

    /// A directory that names can be created in.
    func liveDirectory(_ id: InodeID) throws(ShardFailure) -> DirectoryRecord {
        let record = try anyDirectory(id)
        guard !record.owner.isNull || id == .root else { throw .refused(.directoryNotFound) }
        return record
    }

    /// `ModAny`: a directory of either kind, its mtime moved to `time`.
    /// - Parameter keepsNames: what is in it stays.
    func modifiedAny(
        _ id: InodeID, _ time: Timestamp, keepsNames: Bool = false
    ) throws(ShardFailure) -> DirectoryRecord {
        var record = try anyDirectory(id)
        guard record.mtime < time else { throw .refused(.mtimeIsTooRecent) }
        record.move(to: time, keepsNames: keepsNames)
        return record
    }

    /// `ModLive`: a live directory, its mtime moved to `time`.
    /// - Parameter keepsNames: what is in it stays.
    func modifiedLive(
        _ id: InodeID, _ time: Timestamp, keepsNames: Bool = false
    ) throws(ShardFailure) -> DirectoryRecord {
        var record = try changeableLive(id, time)
        record.move(to: time, keepsNames: keepsNames)
        return record
    }

    /// The same before its mtime moves.
    func changeableLive(_ id: InodeID, _ time: Timestamp) throws(ShardFailure) -> DirectoryRecord {
        let record = try liveDirectory(id)
        guard record.mtime < time else { throw .refused(.mtimeIsTooRecent) }
        return record
    }

    func linkedFile(_ id: InodeID) throws(ShardFailure) -> FileRecord {
        guard id.isFile else { throw .refused(.typeIsDirectory) }
        guard case .linked(let record) = try state.inode(id) else { throw .refused(.fileNotFound) }
        return record
    }

    /// A version of a file that can be read as one: linked, or superseded and not being destroyed yet.
    func readableFile(_ id: InodeID) throws(ShardFailure) -> FileRecord {
        guard id.isFile else { throw .refused(.typeIsDirectory) }
        switch try state.inode(id) {
        case .linked(let record): return record
        case .transient(let record):
            if let version = record.supersededVersion { return version }
        case .absent: break
        }
        throw .refused(.fileNotFound)
    }

    func transientFile(_ id: InodeID) throws(ShardFailure) -> TransientFileRecord {
        guard id.isFile else { throw .refused(.typeIsDirectory) }
        guard case .transient(let record) = try state.inode(id) else { throw .refused(.fileNotFound) }
        return record
    }

    /// `TransStrict`: for the file's writer. The deadline moves on.
    func strictTransientFile(_ id: InodeID, _ entry: ShardLogEntry) throws(ShardFailure) -> TransientFileRecord {
        var record = try transientFile(id)
        guard record.isOpen(at: entry) else { throw .refused(.fileNotFound) }
        guard record.mtime < entry.time else { throw .refused(.mtimeIsTooRecent) }
        record.mtime = entry.time
        record.deadline = entry.deadline
        record.fate = entry.fateOfOpenFiles
        return record
    }

    /// `TransLenient`: for cleaning up. The deadline does not matter and stays. Nobody's to change while it is a
    /// superseded version.
    func lenientTransientFile(_ id: InodeID, _ time: Timestamp) throws(ShardFailure) -> TransientFileRecord {
        let record = try collectableFile(id, time)
        guard record.supersededVersion == nil else { throw .refused(.fileNotFound) }
        return record
    }

    /// As `TransLenient`, for who looks at the deadline.
    func collectableFile(_ id: InodeID, _ time: Timestamp) throws(ShardFailure) -> TransientFileRecord {
        var record = try transientFile(id)
        guard record.mtime < time else { throw .refused(.mtimeIsTooRecent) }
        record.mtime = time
        return record
    }
}

extension DirectoryRecord {
    /// The time that somebody gave it stays as long as its names do: versions of files, history that is collected,
    /// locks, and a rename of the directory itself only move the time that caches go by.
    mutating func move(to time: Timestamp, keepsNames: Bool) {
        guard !Mutation.mtimeStandsStill.isPlanted else { return }
        if keepsNames, attributes.times?.version == mtime, !Mutation.directoryTimesGoWithLocks.isPlanted {
            attributes.times?.version = time
        }
        mtime = time
    }
}

extension ShardLogEntry {
    /// Of files that this entry gives a deadline.
    var fateOfOpenFiles: TransientFate { clock == nil ? .openByEntryTime : .open }
}

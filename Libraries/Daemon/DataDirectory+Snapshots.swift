import Directories
import EventLoop
import Glibc

// Copies of the state, for backups: `PATH/snapshot-NUMBER` is a data directory of its own, as of one moment.
extension DataDirectory {
    /// How many may lie in it: each keeps files that the state has long replaced.
    private static let snapshotLimit = 16
    private static let unfinishedPrefix = "unfinished-snapshot-"

    /// Has `write` fill a directory, which then becomes snapshot `number`, durably; nothing is done when that is there.
    /// What cannot be finished is removed. One at a time.
    public func makeSnapshot(_ number: UInt64, _ write: (_ directory: String) throws -> Void) throws {
        let snapshot = "\(path)/snapshot-\(number)"
        if try isFinished(snapshot) { return }
        guard try Self.names(in: path).count(where: { $0.hasPrefix("snapshot-") }) < Self.snapshotLimit else {
            throw SystemError("make another snapshot beside \(Self.snapshotLimit) in \(path)", code: EDQUOT)
        }
        let unfinished = "\(path)/\(Self.unfinishedPrefix)\(number)"
        try Self.removeTree(unfinished)
        guard mkdir(unfinished, 0o700) == 0 else { throw SystemError.last("create \(unfinished)") }
        do {
            try write(unfinished)
            try Self.sync(unfinished)
            guard rename(unfinished, snapshot) == 0 else { throw SystemError.last("rename \(unfinished)") }
        } catch {
            try Self.removeTree(unfinished)
            throw error
        }
        try sync()
    }

    /// What a crash left of unfinished ones goes. For whoever has the state to itself.
    public func removeUnfinishedSnapshots() throws(SystemError) {
        for name in try Self.names(in: path) where Self.isUnfinished(name) { try Self.removeTree("\(path)/\(name)") }
    }

    /// Earlier versions had two other names for them.
    private static func isUnfinished(_ name: String) -> Bool {
        let isOld = name.hasPrefix("snapshot-") && name.contains(".unfinished-") || name.hasPrefix("tmp-snapshot-")
        return isOld || name.hasPrefix(unfinishedPrefix)
    }

    private func isFinished(_ snapshot: String) throws(SystemError) -> Bool {
        var status = stat()
        guard stat(snapshot, &status) == 0 else { return false }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw SystemError("make \(snapshot)", code: EEXIST) }
        // Whoever made it may have been cut off before this.
        try sync()
        return true
    }

    private static func names(in path: String) throws(SystemError) -> [String] {
        try SystemError.of { () throws(DirectoryError) in try DirectoryListing.names(in: path) }
    }

    /// Whatever is there, if anything.
    private static func removeTree(_ path: String) throws(SystemError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR {
            for name in try names(in: path) { try removeTree("\(path)/\(name)") }
        }
        guard remove(path) == 0 else { throw .last("remove \(path)") }
    }
}

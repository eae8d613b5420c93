import EventLoop
import Glibc

/// Where a metadata service keeps its log and its state, on a disk that others may fill.
///
/// A log that is full could only let go of entries once the state that holds them is stored, and that takes room. So the
/// file `reserve` keeps some, which is given up when it is needed and taken again when there is enough for both.
/// Thread-safe.
public final class DataDirectory: Sendable {
    public let path: String
    /// What storing the state may take, and what the log leaves free for it.
    public let reserveBytes: Int

    /// How many snapshots may lie in it: each keeps files that the state has long replaced.
    private static let snapshotLimit = 16

    /// Makes the directory, durably, if it is missing; its parent must exist.
    public init(path: String, reserveBytes: Int) throws(SystemError) {
        self.path = path
        self.reserveBytes = reserveBytes
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .last("create \(path)") }
        // Also when it was there: a crash may have come between making it and this.
        try Self.sync(path + "/..")
    }

    /// Makes created and renamed entries durable.
    public func sync() throws(SystemError) {
        try Self.sync(path)
    }

    public static func sync(_ path: String) throws(SystemError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("sync \(path)") }
    }

    // MARK: Room

    private var reserve: String { path + "/reserve" }

    /// Whether the state can be stored now; gives up the reserve for it if it must.
    public func makeRoom() throws(SystemError) -> Bool {
        if try freeBytes() >= reserveBytes { return true }
        guard unlink(reserve) == 0 || errno == ENOENT else { throw .last("remove \(reserve)") }
        // A file system may take a little of it for itself.
        return try freeBytes() >= reserveBytes / 2
    }

    /// The same before a store is opened: RocksDB ends the process when it has no room for that.
    public func requireRoom() throws(SystemError) {
        guard try makeRoom() else {
            let needed = (reserveBytes + (1 << 20) - 1) >> 20
            throw SystemError("open \(path), for which \(needed) MiB must be free on its disk", code: ENOSPC)
        }
    }

    /// Has the reserve back if there is room for it; false when there is not.
    @discardableResult
    public func keepReserve() throws(SystemError) -> Bool {
        var status = stat()
        if stat(reserve, &status) == 0, status.st_size >= reserveBytes { return true }
        guard try freeBytes() >= 2 * reserveBytes else { return false }
        let descriptor = open(reserve, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("create \(reserve)") }
        defer { close(descriptor) }
        let code = posix_fallocate(descriptor, 0, off_t(reserveBytes))
        guard code != 0 else { return true }
        unlink(reserve)
        guard code == ENOSPC || code == EDQUOT else { throw SystemError("allocate \(reserve)", code: code) }
        return false
    }

    private func freeBytes() throws(SystemError) -> Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw .last("measure \(path)") }
        return Int(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
    }

    // MARK: Snapshots

    /// Whether `PATH/snapshot-NUMBER` is there already, durably. When not, throws if there is no place for another one.
    public func hasSnapshot(_ number: UInt64) throws(SystemError) -> Bool {
        let snapshot = snapshotPath(number)
        var status = stat()
        if stat(snapshot, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else { throw SystemError("make \(snapshot)", code: EEXIST) }
            // Whoever made it may have been cut off before this.
            try sync()
            return true
        }
        guard try snapshotCount() < Self.snapshotLimit else {
            throw SystemError("make another snapshot beside \(Self.snapshotLimit) in \(path)", code: EDQUOT)
        }
        return false
    }

    /// Gives the finished directory `unfinished` the name of the snapshot, durably.
    public func publishSnapshot(_ number: UInt64, from unfinished: String) throws(SystemError) {
        try Self.sync(unfinished)
        guard rename(unfinished, snapshotPath(number)) == 0 else { throw .last("rename \(unfinished)") }
        try sync()
    }

    private func snapshotPath(_ number: UInt64) -> String { "\(path)/snapshot-\(number)" }

    /// With those that were never finished.
    private func snapshotCount() throws(SystemError) -> Int {
        guard let directory = opendir(path) else { throw .last("list \(path)") }
        defer { closedir(directory) }
        var count = 0
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { name in
                String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix("snapshot-") || name.hasPrefix("tmp-snapshot-") { count += 1 }
        }
        return count
    }
}

import Directories
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

    /// Makes the directory, durably, if it is missing; its parent must exist.
    public init(path: String, reserveBytes: Int) throws(SystemError) {
        self.path = path
        self.reserveBytes = reserveBytes
        try SystemError.of { () throws(DirectoryError) in try DurableDirectory.make(path, mode: 0o700) }
    }

    /// Makes created and renamed entries durable.
    public func sync() throws(SystemError) {
        try Self.sync(path)
    }

    /// The same for any directory.
    static func sync(_ path: String) throws(SystemError) {
        try SystemError.of { () throws(DirectoryError) in try DurableDirectory.sync(path) }
    }

    // MARK: Room

    private var reserve: String { path + "/reserve" }

    /// A little more than the state may take: a file system keeps some of what it gets back for itself.
    private var reserveFileBytes: Int { reserveBytes + reserveBytes / 8 }

    /// Does what stores the state, if there is room for all of it: RocksDB does not go on after a flush that found the
    /// disk full. False when there is not.
    public func withRoom(_ store: () throws -> Void) throws -> Bool {
        try keepReserve()
        guard try makeRoom() else { return false }
        try store()
        return true
    }

    /// Whether the state can be stored now; gives up the reserve for it if it must.
    private func makeRoom() throws(SystemError) -> Bool {
        if try freeBytes() >= reserveBytes { return true }
        guard unlink(reserve) == 0 || errno == ENOENT else { throw .last("remove \(reserve)") }
        return try freeBytes() >= reserveBytes
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
        if stat(reserve, &status) == 0, status.st_size >= reserveFileBytes { return true }
        guard try freeBytes() >= reserveBytes + reserveFileBytes else { return false }
        let descriptor = open(reserve, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("create \(reserve)") }
        defer { close(descriptor) }
        let code = posix_fallocate(descriptor, 0, off_t(reserveFileBytes))
        guard code != 0 else { return true }
        unlink(reserve)
        guard code == ENOSPC || code == EDQUOT else { throw SystemError("allocate \(reserve)", code: code) }
        return false
    }

    /// How much room there is.
    /// - Parameter isLogFull: the log has found too little.
    public func room(isLogFull: Bool) throws(SystemError) -> DiskRoom {
        let free = try freeBytes()
        return DiskRoom(
            freeBytes: UInt64(free), wantedBytes: UInt64(16 * reserveBytes), isFull: isLogFull || free < reserveBytes)
    }

    private func freeBytes() throws(SystemError) -> Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw .last("measure \(path)") }
        return Int(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
    }
}

extension SystemError {
    /// What `body` does to directories and files, and what the system refuses of that.
    package static func of<Result>(_ body: () throws(DirectoryError) -> Result) throws(SystemError) -> Result {
        do throws(DirectoryError) { return try body() } catch {
            throw SystemError(error.operation, code: error.code)
        }
    }
}

import Directories
import Glibc

/// A directory of a file system as the log's disk, locked while the value lives.
final class LogDirectory: LogDisk {
    let path: String
    private let lock: Int32
    private let isReadOnly: Bool

    /// Creates the directory when it is missing; its parent must exist. With `isReadOnly` both must exist and nothing
    /// is changed; the lock is held all the same.
    init(path: String, isReadOnly: Bool = false) throws(LogError) {
        self.path = path
        self.isReadOnly = isReadOnly
        if !isReadOnly {
            do throws(DirectoryError) { try DurableDirectory.make(path, mode: 0o700) } catch { throw LogError(error) }
        }
        lock = Glibc.open(path + "/LOCK", isReadOnly ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        if lock < 0 && isReadOnly && errno == ENOENT { throw .missing(path) }
        guard lock >= 0 else { throw .last("open \(path)/LOCK") }
        // From here on `deinit` runs also when this throws, and closes it.
        guard Self.locked(lock) else { throw .locked(path) }
    }

    /// Tries for half a second: a child that was just forked, by whatever part of the process, keeps the lock of a log
    /// that was closed until it executes its program.
    private static func locked(_ lock: Int32) -> Bool {
        for _ in 0..<50 {
            if flock(lock, LOCK_EX | LOCK_NB) == 0 { return true }
            usleep(10_000)
        }
        return false
    }

    deinit {
        if lock >= 0 { close(lock) }
    }

    func names() throws(LogError) -> [String] {
        do throws(DirectoryError) { return try DirectoryListing.names(in: path) } catch { throw LogError(error) }
    }

    func open(_ name: String, create: Bool) throws(LogError) -> any LogDiskFile {
        try LogFile(path: "\(path)/\(name)", create: create, isReadOnly: isReadOnly)
    }

    func rename(_ name: String, to newName: String, replacing: Bool) throws(LogError) {
        // The log is locked: nobody makes the name in between.
        if !replacing { try requireAbsent(newName) }
        guard Glibc.rename("\(path)/\(name)", "\(path)/\(newName)") == 0 else { throw .last("rename \(path)/\(name)") }
    }

    private func requireAbsent(_ name: String) throws(LogError) {
        var status = stat()
        if lstat("\(path)/\(name)", &status) == 0 {
            throw .corruption("\(path)/\(name) is there, and was not listed")
        }
        guard errno == ENOENT else { throw .last("look for \(path)/\(name)") }
    }

    func remove(_ name: String) throws(LogError) {
        guard unlink("\(path)/\(name)") == 0 else { throw .last("remove \(path)/\(name)") }
    }

    func sync() throws(LogError) {
        do throws(DirectoryError) { try DurableDirectory.sync(path) } catch { throw LogError(error) }
    }

    func freeBytes() throws(LogError) -> Int {
        var status = Glibc.statvfs()
        guard statvfs(path, &status) == 0 else { throw .last("measure \(path)") }
        return Int(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
    }
}

/// A file of a file system.
final class LogFile: LogDiskFile {
    let path: String
    private let descriptor: Int32

    init(path: String, create: Bool, isReadOnly: Bool) throws(LogError) {
        self.path = path
        descriptor = open(path, (isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC | (create ? O_CREAT : 0), 0o600)
        guard descriptor >= 0 else { throw .last("open \(path)") }
    }

    deinit {
        close(descriptor)
    }

    func size() throws(LogError) -> Int {
        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= 0 else { throw .last("measure \(path)") }
        return size
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogError) {
        var done = 0
        while done < bytes.count {
            let rest = bytes.baseAddress.map { $0 + done }
            let written = pwrite(descriptor, rest, bytes.count - done, off_t(offset + done))
            if written > 0 {
                done += written
            } else if written == 0 || errno != EINTR {
                throw .last("write \(path)")
            }
        }
    }

    func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogError) {
        var done = 0
        while done < bytes.count {
            let got = pread(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
            if got > 0 {
                done += got
            } else if got == 0 {
                UnsafeMutableRawBufferPointer(rebasing: bytes[done...]).initializeMemory(as: UInt8.self, repeating: 0)
                return
            } else if errno != EINTR {
                throw .ofReading(path, errno)
            }
        }
    }

    /// Costs no journal commit when the file's size and extents have not changed.
    func sync() throws(LogError) {
        guard fdatasync(descriptor) == 0 else { throw .last("sync \(path)") }
    }
}

extension LogError {
    /// What errno says now.
    static func last(_ action: String) -> LogError { LogError(action, errno) }

    init(_ error: DirectoryError) { self.init(error.operation, error.code) }

    private init(_ action: String, _ code: Int32) {
        let text = Self.text(action, code)
        self = code == ENOSPC || code == EDQUOT ? .noSpace(text) : .inputOutput(text)
    }

    /// Some errors of reading say that the disk has lost what should be read.
    static func ofReading(_ path: String, _ code: Int32) -> LogError {
        let action = "read \(path)"
        let isLost = [EIO, ENODATA, EUCLEAN, EBADMSG, EILSEQ, EREMOTEIO].contains(code)
        return isLost ? .unreadable(text(action, code)) : LogError(action, code)
    }

    private static func text(_ action: String, _ code: Int32) -> String {
        "\(action): \(String(cString: strerror(code)))"
    }
}

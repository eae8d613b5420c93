import Glibc

/// The system calls of the segmented log, with errors as `LogError`. The directory is locked while the value lives.
final class LogDirectory {
    let path: String
    private let lock: Int32

    /// Creates the directory when it is missing; its parent must exist. With `isReadOnly` both must exist and nothing
    /// is changed; the lock is held all the same.
    init(path: String, isReadOnly: Bool = false) throws(LogError) {
        self.path = path
        if !isReadOnly && mkdir(path, 0o700) != 0 && errno != EEXIST { throw .last("create \(path)") }
        lock = open(path + "/LOCK", isReadOnly ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
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

    /// Names of the entries, sorted.
    func names() throws(LogError) -> [String] {
        guard let directory = opendir(path) else { throw .last("list \(path)") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            names.append(
                withUnsafeBytes(of: entry.pointee.d_name) { name in
                    String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return names.sorted()
    }

    /// Makes created and renamed entries durable.
    func sync() throws(LogError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("sync \(path)") }
    }
}

/// An open file of a log.
final class LogFile {
    let path: String
    private let descriptor: Int32

    init(path: String, create: Bool, isReadOnly: Bool = false) throws(LogError) {
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

    /// Fills `bytes` from `offset`; what lies behind the end of the file reads as zeros.
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
                throw .last("read \(path)")
            }
        }
    }

    /// Makes the contents durable. Costs no journal commit when the file's size and extents have not changed.
    func sync() throws(LogError) {
        guard fdatasync(descriptor) == 0 else { throw .last("sync \(path)") }
    }

    /// Writes zeros up to `size` and syncs them, so that later writes change nothing but contents.
    func preallocate(_ size: Int) throws(LogError) {
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { chunk.deallocate() }
        chunk.initializeMemory(as: UInt8.self, repeating: 0)
        var offset = 0
        while offset < size {
            let count = min(chunk.count, size - offset)
            try write(UnsafeRawBufferPointer(rebasing: chunk[..<count]), at: offset)
            offset += count
        }
        guard fsync(descriptor) == 0 else { throw .last("sync \(path)") }
    }
}

extension LogError {
    /// What errno says now.
    static func last(_ action: String) -> LogError {
        let code = errno
        let text = "\(action): \(String(cString: strerror(code)))"
        return code == ENOSPC || code == EDQUOT ? .noSpace(text) : .inputOutput(text)
    }
}

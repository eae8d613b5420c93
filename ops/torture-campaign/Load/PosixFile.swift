import Foundation

/// A system call that failed.
struct PosixError: Error, CustomStringConvertible {
    let operation: String
    let code: Int32
    var description: String { "\(operation): \(String(cString: strerror(code)))" }

    static func last(_ operation: String) -> PosixError { PosixError(operation: operation, code: errno) }
}

/// An open file. Every result of every call is looked at: what close() says is what counts.
struct PosixFile: ~Copyable {
    let descriptor: Int32
    let path: String
    private var isClosed = false

    init(opening path: String, _ flags: Int32) throws(PosixError) {
        let opened = open(path, flags | O_CLOEXEC, 0o644)
        guard opened >= 0 else { throw .last("open \(path)") }
        descriptor = opened
        self.path = path
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(PosixError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .last("write \(path)") }
            done += count
        }
    }

    /// Bytes read; fewer than there is room for only at the end.
    func read(_ target: UnsafeMutableRawBufferPointer, at offset: Int) throws(PosixError) -> Int {
        var done = 0
        while done < target.count {
            let count = pread(descriptor, target.baseAddress! + done, target.count - done, off_t(offset + done))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .last("read \(path) at \(offset + done)") }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func resize(to size: Int) throws(PosixError) {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw .last("truncate \(path)") }
    }

    func sync() throws(PosixError) {
        guard fsync(descriptor) == 0 else { throw .last("sync \(path)") }
    }

    /// Makes the name durable.
    static func syncDirectory(above path: String) throws(PosixError) {
        let directory = try PosixFile(opening: (path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY)
        try directory.sync()
        try directory.close()
    }

    /// So that the kernel asks the mount for every byte.
    func forgetCachedPages() {
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    }

    func size() throws(PosixError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .last("stat \(path)") }
        return Int(status.st_size)
    }

    deinit {
        // After an error, of which the caller knows.
        if !isClosed { Glibc.close(descriptor) }
    }

    consuming func close() throws(PosixError) {
        isClosed = true
        guard Glibc.close(descriptor) == 0 else { throw .last("close \(path)") }
    }
}

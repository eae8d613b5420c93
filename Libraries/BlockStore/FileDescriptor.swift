import Glibc

/// A file descriptor that is closed with its owner. `openat`-style calls keep all paths relative to directories held
/// open.
final class FileDescriptor: Sendable {
    let raw: Int32

    init(owning raw: Int32) { self.raw = raw }

    deinit { close(raw) }

    /// Opens a path, relative to `directory` when given. Close-on-exec is added.
    static func open(
        _ path: String, in directory: FileDescriptor? = nil, flags: Int32, mode: mode_t = 0
    ) throws(BlockStoreError) -> FileDescriptor {
        while true {
            let raw = openat(directory?.raw ?? AT_FDCWD, path, flags | O_CLOEXEC, mode)
            if raw >= 0 { return FileDescriptor(owning: raw) }
            if errno != EINTR { throw .last("open \(path)") }
        }
    }

    /// Whether the directory has an entry of that name, which may lead further down. What cannot be told is an error.
    func has(_ name: String) throws(BlockStoreError) -> Bool {
        if faccessat(raw, name, F_OK, 0) == 0 { return true }
        guard errno == ENOENT else { throw .last("look for \(name)") }
        return false
    }

    /// Forces data and metadata to the disk.
    func sync(_ what: String) throws(BlockStoreError) {
        while fsync(raw) != 0 {
            if errno != EINTR { throw .last("sync \(what)") }
        }
    }

    /// Forces the data to the disk, and of the metadata what it takes to find it.
    func syncData(_ what: String) throws(BlockStoreError) {
        while fdatasync(raw) != 0 {
            if errno != EINTR { throw .last("sync \(what)") }
        }
    }

    /// Size in bytes.
    func size() throws(BlockStoreError) -> Int {
        var status = stat()
        guard fstat(raw, &status) == 0 else { throw .last("stat") }
        return status.st_size
    }

    /// Reads until `buffer` is full or the file ends; returns the count.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(BlockStoreError) -> Int {
        var done = 0
        while done < buffer.count, let base = buffer.baseAddress {
            let count = pread(raw, base + done, buffer.count - done, offset + done)
            if count > 0 {
                done += count
            } else if count == 0 {
                break
            } else if errno != EINTR {
                throw .last("read")
            }
        }
        return done
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(BlockStoreError) {
        var done = 0
        while done < bytes.count, let base = bytes.baseAddress {
            let count = pwrite(raw, base + done, bytes.count - done, offset + done)
            if count >= 0 {
                done += count
            } else if errno != EINTR {
                throw .last("write")
            }
        }
    }

    /// The first bytes of a small file.
    func bytes(atMost count: Int) throws(BlockStoreError) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { buffer.deallocate() }
        return Array(buffer.prefix(try read(into: buffer, at: 0)))
    }

    /// Writes a few bytes as the contents of a new file.
    func writeAll(_ bytes: [UInt8]) throws(BlockStoreError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { buffer.deallocate() }
        buffer.copyBytes(from: bytes)
        try write(UnsafeRawBufferPointer(buffer), at: 0)
    }
}

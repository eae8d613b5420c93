import Glibc

/// What the medium holds of one file: a sparse file of the directory behind the disk, which goes with its last user.
final class DurableFile {
    private let path: String

    /// - Parameter path: where it comes to lie with the first byte.
    init(path: String) { self.path = path }

    deinit { unlink(path) }

    /// Bytes that were never written are zeros.
    func read(_ target: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) {
        let descriptor = try opened()
        defer { close(descriptor) }
        var done = 0
        while done < target.count {
            let rest = target.baseAddress.map { $0 + done }
            let count = pread(descriptor, rest, target.count - done, off_t(offset + done))
            if count < 0 { throw .last() }
            if count == 0 { break }
            done += count
        }
        UnsafeMutableRawBufferPointer(rebasing: target[done...]).initializeMemory(as: UInt8.self, repeating: 0)
    }

    func write(_ pages: [(offset: Int, bytes: ArraySlice<UInt8>)]) throws(DiskError) {
        guard !pages.isEmpty else { return }
        let descriptor = try opened()
        defer { close(descriptor) }
        for page in pages {
            let count = page.bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(page.offset)) }
            guard count == page.bytes.count else { throw count < 0 ? .last() : DiskError(EIO) }
        }
    }

    func resize(to size: Int) throws(DiskError) {
        let descriptor = try opened()
        defer { close(descriptor) }
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw .last() }
    }

    private func opened() throws(DiskError) -> Int32 {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last() }
        return descriptor
    }
}

import EventLoop
import Glibc
import Synchronization

/// A file on a local disk, without a name, for changes that do not fit into memory: slots of one size, taken and given
/// back. It goes when the last slot was given back, and its space with it. Thread-safe; what reads and writes blocks.
package final class SpoolFile: Sendable {
    private struct State {
        var free: [Int] = []
        /// Slots that were taken at some time.
        var slots = 0
    }

    package static let slotBytes = 64 << 10

    private let descriptor: Int32
    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limitBytes: how large it may become; nil: a quarter of what is free now.
    /// - Throws: `.spoolFailed`.
    package init(in directory: String, limitBytes: Int?) throws(ClientError) {
        var path = Array((directory + "/sterna-spool-XXXXXX").utf8CString)
        let opened = mkstemp(&path)
        guard opened >= 0 else { throw Self.failure("making of a file in \(directory)") }
        descriptor = opened
        _ = fcntl(opened, F_SETFD, FD_CLOEXEC)
        guard unlink(path) == 0 else {
            let error = Self.failure("unlinking of a file in \(directory)")
            Glibc.close(opened)
            throw error
        }
        if let limitBytes {
            limit = limitBytes / Self.slotBytes
        } else {
            var found = statvfs()
            guard fstatvfs(opened, &found) == 0 else {
                let error = Self.failure("looking for the space of \(directory)")
                Glibc.close(opened)
                throw error
            }
            limit = Int(clamping: UInt64(found.f_bavail) / 4 * UInt64(found.f_frsize)) / Self.slotBytes
        }
    }

    deinit {
        // Giving back what a large file has takes a while.
        WorkQueue.shared.run { [descriptor] in Glibc.close(descriptor) }
    }

    /// - Throws: `.noSpoolSpace` when it has become as large as it may.
    package func takeSlot() throws(ClientError) -> SpoolSlot {
        let index = state.withLock { state -> Int? in
            if let free = state.free.popLast() { return free }
            guard state.slots < limit else { return nil }
            state.slots += 1
            return state.slots - 1
        }
        guard let index else {
            throw ClientError(.noSpoolSpace, "spooling of changes", "it has \((limit * Self.slotBytes) >> 20) MiB")
        }
        return SpoolSlot(self, index)
    }

    fileprivate func giveBack(_ index: Int) {
        state.withLock { $0.free.append(index) }
    }

    fileprivate func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ClientError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                throw count < 0 && (errno == ENOSPC || errno == EDQUOT)
                    ? ClientError(.noSpoolSpace, "spooling of changes", "the disk is full")
                    : Self.failure("writing to it")
            }
            done += count
        }
    }

    fileprivate func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(ClientError) {
        var done = 0
        while done < bytes.count {
            let count = pread(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                throw Self.failure("reading from it")
            }
            done += count
        }
    }

    private static func failure(_ what: String) -> ClientError {
        ClientError(.spoolFailed, "spooling of changes", SystemError.last(what).description)
    }
}

/// A piece of a spool file; given back with the last reference to it.
package final class SpoolSlot: Sendable {
    private let file: SpoolFile
    private let index: Int

    fileprivate init(_ file: SpoolFile, _ index: Int) {
        self.file = file
        self.index = index
    }

    deinit { file.giveBack(index) }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ClientError) {
        precondition(offset >= 0 && offset + bytes.count <= SpoolFile.slotBytes)
        try file.write(bytes, at: index * SpoolFile.slotBytes + offset)
    }

    package func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(ClientError) {
        precondition(offset >= 0 && offset + bytes.count <= SpoolFile.slotBytes)
        try file.read(bytes, at: index * SpoolFile.slotBytes + offset)
    }
}

import EventLoop
import Glibc
import Synchronization

/// Files on a local disk, without names, for changes that do not fit into memory: slots of one size, taken and given
/// back. They go when the last slot was given back, and their space with them. Thread-safe; what reads and writes
/// blocks.
///
/// There are several because whoever writes to a file keeps others from it, and the kernel's finding memory for what is
/// written can take most of the time. Slots lie in them by turns.
package final class Spool: Sendable {
    private struct State {
        var free: [Int] = []
        /// Slots that were taken at some time.
        var slots = 0
    }

    package static let slotBytes = 64 << 10
    private static let files = 4

    /// Where changes are written, apart from what else is worked on: a disk may keep them waiting for long.
    static let writers = WorkQueue(name: "spool", threads: 2)

    private let descriptors: [Int32]
    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limitBytes: how large they may become together; nil: a quarter of what is free now.
    /// - Throws: `.spoolFailed`.
    package init(in directory: String, limitBytes: Int?) throws(ClientError) {
        var opened: [Int32] = []
        do throws(ClientError) {
            for _ in 0..<Self.files { opened.append(try Self.namelessFile(in: directory)) }
            let bytes: Int
            if let limitBytes { bytes = limitBytes } else { bytes = try Self.quarterOfFreeBytes(opened[0], directory) }
            limit = bytes / Self.slotBytes
        } catch {
            for descriptor in opened { Glibc.close(descriptor) }
            throw error
        }
        descriptors = opened
    }

    deinit {
        // Giving back what a large file has takes a while.
        WorkQueue.shared.run { [descriptors] in for descriptor in descriptors { Glibc.close(descriptor) } }
    }

    private static func namelessFile(in directory: String) throws(ClientError) -> Int32 {
        var path = Array((directory + "/sterna-spool-XXXXXX").utf8CString)
        // mkstemp(3) puts a name that is not taken in place of the six letters.
        let opened = mkstemp(&path)
        guard opened >= 0 else { throw failure("making of a file in \(directory)") }
        _ = fcntl(opened, F_SETFD, FD_CLOEXEC)
        guard unlink(path) == 0 else {
            let error = failure("unlinking of a file in \(directory)")
            Glibc.close(opened)
            throw error
        }
        return opened
    }

    private static func quarterOfFreeBytes(_ descriptor: Int32, _ directory: String) throws(ClientError) -> Int {
        var found = statvfs()
        guard fstatvfs(descriptor, &found) == 0 else { throw failure("looking for the space of \(directory)") }
        return Int(clamping: UInt64(found.f_bavail) / 4 * UInt64(found.f_frsize))
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

    fileprivate func write(_ bytes: UnsafeRawBufferPointer, to slot: Int, at offset: Int) throws(ClientError) {
        guard let source = bytes.baseAddress else { return }
        let (file, start) = place(slot, offset)
        try Self.all(bytes.count, "writing to it") { pwrite(file, source + $0, bytes.count - $0, start + off_t($0)) }
    }

    fileprivate func read(_ bytes: UnsafeMutableRawBufferPointer, of slot: Int, at offset: Int) throws(ClientError) {
        guard let target = bytes.baseAddress else { return }
        let (file, start) = place(slot, offset)
        try Self.all(bytes.count, "reading from it") { pread(file, target + $0, bytes.count - $0, start + off_t($0)) }
    }

    /// Repeats a system call, which is told how far the others have come, until all is done.
    private static func all(_ bytes: Int, _ what: String, _ call: (_ done: Int) -> Int) throws(ClientError) {
        var done = 0
        while done < bytes {
            let count = call(done)
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                throw count < 0 && (errno == ENOSPC || errno == EDQUOT)
                    ? ClientError(.noSpoolSpace, "spooling of changes", "the disk is full") : failure(what)
            }
            done += count
        }
    }

    private func place(_ slot: Int, _ offset: Int) -> (file: Int32, offset: off_t) {
        let (row, file) = slot.quotientAndRemainder(dividingBy: descriptors.count)
        return (descriptors[file], off_t(row * Self.slotBytes + offset))
    }

    private static func failure(_ what: String) -> ClientError {
        ClientError(.spoolFailed, "spooling of changes", SystemError.last(what).description)
    }
}

/// A piece of the spool; given back with the last reference to it.
package final class SpoolSlot: Sendable {
    private let spool: Spool
    private let index: Int

    fileprivate init(_ spool: Spool, _ index: Int) {
        self.spool = spool
        self.index = index
    }

    deinit { spool.giveBack(index) }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ClientError) {
        precondition(offset >= 0 && offset + bytes.count <= Spool.slotBytes)
        try spool.write(bytes, to: index, at: offset)
    }

    package func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(ClientError) {
        precondition(offset >= 0 && offset + bytes.count <= Spool.slotBytes)
        try spool.read(bytes, of: index, at: offset)
    }
}

import Glibc
import Protocol
import Synchronization

/// A segment opened for reading. Its descriptor stays valid when the segment is deleted meanwhile.
final class SegmentFile: Sendable {
    let number: UInt64
    let file: FileDescriptor
    private let retired = Atomic(false)

    init(_ number: UInt64, _ file: FileDescriptor) {
        self.number = number
        self.file = file
    }

    /// Whether it was deleted: whoever holds it keeps its space.
    var isRetired: Bool { retired.load(ordering: .relaxed) }

    func retire() { retired.store(true, ordering: .relaxed) }
}

/// The segments in a directory: their names, and those that were read lately, open. Thread-safe.
final class SegmentFiles: Sendable {
    private struct Open {
        var file: SegmentFile
        var lastUse: UInt64
    }

    private struct State {
        var open: [UInt64: Open] = [:]
        var uses: UInt64 = 0
    }

    let directory: FileDescriptor
    private let state = Mutex(State())

    /// Descriptors that a disk's segments may take.
    static let limit = 32
    private static let suffix = ".segment"
    private static let digits = 16
    /// Above any number that can be reached by counting: names beyond are not ours, and what says so is damaged.
    static let largestNumber: UInt64 = 1 << 62

    init(_ directory: FileDescriptor) { self.directory = directory }

    static func name(_ number: UInt64) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: digits - text.utf8.count) + text + suffix
    }

    /// Nil for a name that is not a segment's.
    private static func number(_ name: UnsafeRawBufferPointer) -> UInt64? {
        guard name.count == digits + suffix.utf8.count, name.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) else {
            return nil
        }
        let text = String(decoding: name.prefix(digits), as: UTF8.self)
        guard let number = UInt64(text, radix: 16), number <= largestNumber,
            Self.name(number).utf8.elementsEqual(name)
        else { return nil }
        return number
    }

    /// All segments in order.
    func numbers() throws(BlockStoreError) -> [UInt64] {
        var numbers: [UInt64] = []
        try DirectoryEntries.forEach(of: directory) { name in
            if let number = Self.number(name) { numbers.append(number) }
        }
        return numbers.sorted()
    }

    /// Opens a segment for reading, or finds it open. Throws `ENOENT` when there is none.
    func open(_ number: UInt64) throws(BlockStoreError) -> SegmentFile {
        if let file = find(number) { return file }
        let opened = SegmentFile(number, try .open(Self.name(number), in: directory, flags: O_RDONLY))
        state.withLock { state in
            if state.open.count >= Self.limit {
                let oldest = state.open.min { $0.value.lastUse < $1.value.lastUse }
                if let oldest { state.open[oldest.key] = nil }
            }
            state.open[number] = Open(file: opened, lastUse: state.uses)
        }
        // It may have been deleted between the two: nobody else would take it out again, and give its space back.
        var status = stat()
        if fstat(opened.file.raw, &status) != 0 || status.st_nlink == 0 { forget(number) }
        return opened
    }

    private func forget(_ number: UInt64) {
        state.withLock { $0.open.removeValue(forKey: number)?.file }?.retire()
    }

    private func find(_ number: UInt64) -> SegmentFile? {
        state.withLock { state in
            state.uses &+= 1
            state.open[number]?.lastUse = state.uses
            return state.open[number]?.file
        }
    }

    /// Bytes of the filesystem that are free for us.
    func availableBytes() throws(BlockStoreError) -> UInt64 {
        var numbers = statvfs()
        guard fstatvfs(directory.raw, &numbers) == 0 else { throw .last("statvfs") }
        let (bytes, overflow) = UInt64(numbers.f_bavail).multipliedReportingOverflow(by: UInt64(numbers.f_frsize))
        return overflow ? .max : bytes
    }

    /// Deletes a segment that nothing refers to any more. Not made durable: after a crash it may be back, and is
    /// deleted again.
    func delete(_ number: UInt64) throws(BlockStoreError) {
        if unlinkat(directory.raw, Self.name(number), 0) != 0, errno != ENOENT {
            throw .last("remove \(Self.name(number))")
        }
        forget(number)  // after it: who opens it meanwhile finds that its name is gone
    }
}

/// The one directory of a log on some disk: all that `SegmentedLogStore` asks of it, so that tests can put a disk below
/// it that tears, rots, or drops what it refused. Nobody else has it open while the value lives.
public protocol LogDisk: AnyObject {
    /// For people.
    var path: String { get }

    /// Names of the files, sorted; all of them or an error.
    func names() throws(LogError) -> [String]

    /// Opens a file; `create` makes an empty one where there is none.
    func open(_ name: String, create: Bool) throws(LogError) -> any LogDiskFile

    /// Gives a file another name. A file that had it is gone with `replacing`; else that is `corruption`.
    func rename(_ name: String, to newName: String, replacing: Bool) throws(LogError)

    func remove(_ name: String) throws(LogError)

    /// Makes created, renamed and removed names durable.
    func sync() throws(LogError)

    /// How much can still be written to the disk.
    func freeBytes() throws(LogError) -> Int
}

/// An open file of a log.
public protocol LogDiskFile: AnyObject {
    /// For people.
    var path: String { get }

    func size() throws(LogError) -> Int

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(LogError)

    /// Fills `bytes` from `offset`; what lies behind the end of the file reads as zeros. Throws `unreadable` when the
    /// disk has lost some of it.
    func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogError)

    /// Makes the contents durable. After an error nobody knows which of the writes since the last sync are on the
    /// disk, and a later sync that succeeds does not say so either.
    func sync() throws(LogError)
}

extension LogDiskFile {
    /// Writes zeros up to `size` and syncs them, so that later writes change nothing but contents.
    func preallocate(_ size: Int) throws(LogError) {
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: min(size, 1 << 20), alignment: 4096)
        defer { chunk.deallocate() }
        chunk.initializeMemory(as: UInt8.self, repeating: 0)
        for offset in stride(from: 0, to: size, by: chunk.count) {
            try write(UnsafeRawBufferPointer(rebasing: chunk[..<min(chunk.count, size - offset)]), at: offset)
        }
        try sync()
    }

    /// Fills `bytes` from `offset`, the beginning of a page; pages that the disk has lost are zeros.
    /// - Returns: where those begin in the file.
    func readPages(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int) throws(LogError) -> [Int] {
        do throws(LogError) {
            try read(bytes, at: offset)
            return []
        } catch {
            guard case .unreadable = error else { throw error }
        }
        var lost: [Int] = []
        for start in stride(from: 0, to: bytes.count, by: SegmentLayout.page) {
            let end = min(start + SegmentLayout.page, bytes.count)
            let page = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<end])
            do throws(LogError) { try read(page, at: offset + start) } catch {
                guard case .unreadable = error else { throw error }
                page.initializeMemory(as: UInt8.self, repeating: 0)
                lost.append(offset + start)
            }
        }
        return lost
    }

    /// The bytes from `offset` on.
    func bytes(at offset: Int, count: Int) throws(LogError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let failure = bytes.withUnsafeMutableBytes { buffer -> LogError? in
            do throws(LogError) { try read(buffer, at: offset) } catch { return error }
            return nil
        }
        if let failure { throw failure }
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(LogError) {
        let failure = bytes.withUnsafeBytes { buffer -> LogError? in
            do throws(LogError) { try write(buffer, at: offset) } catch { return error }
            return nil
        }
        if let failure { throw failure }
    }
}

import DequeModule
import EventLoop
import Protocol

/// A file under construction: bytes are gathered into spans, full spans are coded and stored while the next one fills,
/// and `finish` makes the whole visible under a name.
///
/// Writes go forwards. What is not yet sealed into a span can be written again and in any order; a gap becomes zeros
/// that take no room. After a failure every call throws that failure, and the file never becomes visible.
public actor FileWriter {
    public nonisolated let handle: TransientHandle
    public nonisolated let policies: WritePolicies
    public nonisolated let client: Client
    nonisolated let core: ClientCore

    /// Length of the file so far.
    public internal(set) var size: UInt64 = 0
    /// Everything before it is sealed. A multiple of 4096.
    public internal(set) var sealedBytes: UInt64 = 0
    /// The first failure, if there was one.
    public internal(set) var failure: ClientError?

    var buffer: SpanBuffer?
    var sealed = Deque<SealedSpan>()
    var isStoring = false
    var isEnded = false
    /// What `finish` was asked for, and when the name was made, if it is already.
    var pendingName: PendingName?
    var creationTime: Timestamp?
    var waiters: [UnsafeContinuation<Void, Never>] = []

    /// Sealed spans of one file that may wait; one is being sent, one is ready.
    static let sealedLimit = 2
    /// Spans up to this size are coded at once instead of on a worker.
    static let smallBytes = 128 << 10

    public nonisolated var unownedExecutor: UnownedSerialExecutor { client.unownedExecutor }

    init(client: Client, handle: TransientHandle, policies: WritePolicies) {
        self.client = client
        self.handle = handle
        self.policies = policies
        core = client.core
    }

    /// The file's number; it keeps it when it becomes visible.
    public nonisolated var id: InodeID { handle.id }

    // MARK: Writing

    /// Takes `bytes` for `offset` if that needs no waiting; false, with nothing taken, otherwise. Call it on the
    /// client's loop.
    /// - Throws: `.sealed` when the bytes lie before `sealedBytes`; the failure of the file.
    public nonisolated func writeNow(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(ClientError) -> Bool {
        // The closure does not outlive the call; the pointer stays valid.
        let source = SendableBytes(bytes)
        let result = assumeIsolated { writer in
            Result { () throws(ClientError) in try writer.takeAtOnce(source.bytes, at: offset) }
        }
        return try result.get()
    }

    /// Writes `bytes` at `offset`; waits when too much is on its way to the block services.
    public func write(_ bytes: [UInt8], at offset: UInt64) async throws(ClientError) {
        var done = 0
        while true {
            done += try take(bytes, from: done, at: offset)
            guard done < bytes.count else { return }
            await waitForRoom()
        }
    }

    /// Sets the length: longer means zeros, shorter cuts off what is not yet sealed.
    public func truncate(to newSize: UInt64) throws(ClientError) {
        try checkUsable()
        guard newSize >= sealedBytes else { throw ClientError(.sealed, "shortening of a file to \(newSize) bytes") }
        guard newSize <= UInt64(Int64.max) else { throw ClientError(.invalidArgument, "extension of a file") }
        if newSize < size { buffer?.cut(to: Int(clamping: newSize - sealedBytes)) }
        size = newSize
    }

    private func takeAtOnce(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(ClientError) -> Bool {
        // What goes beyond the open span seals it; that must be possible without waiting.
        let (end, overflow) = offset.addingReportingOverflow(UInt64(bytes.count))
        let needsSealing = !overflow && end > sealedBytes + UInt64(policies.largestSpanBytes)
        if needsSealing, !hasRoom || end - sealedBytes > 2 * UInt64(policies.largestSpanBytes) { return false }
        return try take(bytes, at: offset) == bytes.count
    }

    private func take(_ bytes: [UInt8], from start: Int, at offset: UInt64) throws(ClientError) -> Int {
        let result = bytes.withUnsafeBytes { all in
            Result { () throws(ClientError) in
                try take(UnsafeRawBufferPointer(rebasing: all[start...]), at: offset + UInt64(start))
            }
        }
        return try result.get()
    }

    /// Takes as many bytes as there is room for; answers how many.
    private func take(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(ClientError) -> Int {
        try checkUsable()
        guard offset <= UInt64(Int64.max) - UInt64(bytes.count) else {
            throw ClientError(.invalidArgument, "write at \(offset)")
        }
        guard offset >= sealedBytes else { throw ClientError(.sealed, "write at \(offset)") }
        let capacity = UInt64(policies.largestSpanBytes)
        var done = 0
        while done < bytes.count {
            let position = offset + UInt64(done)
            if position >= sealedBytes + capacity {
                guard hasRoom else { return done }
                seal(before: position)
            }
            let count = min(bytes.count - done, Int(sealedBytes + capacity - position))
            let part = UnsafeRawBufferPointer(rebasing: bytes[done..<done + count])
            var open = try openBuffer()
            open.write(part, at: Int(position - sealedBytes))
            buffer = open
            done += count
            size = max(size, position + UInt64(count))
        }
        return done
    }

    private func openBuffer() throws(ClientError) -> SpanBuffer {
        if let buffer { return buffer }
        guard let memory = core.pool.take(SpanEncoder.bufferBytes(policies)) else {
            throw fail(ClientError(.cannotPlaceSpan, "write", "no memory for a span"))
        }
        return SpanBuffer(memory: memory, capacity: policies.largestSpanBytes)
    }

    func checkUsable() throws(ClientError) {
        if let failure { throw failure }
        guard !isEnded else { throw ClientError(.closed, "use of a file under construction") }
    }

    @discardableResult
    func fail(_ error: ClientError) -> ClientError {
        if failure == nil { failure = error }
        return error
    }

    // MARK: Reading back

    /// Reads what was written, wherever it is by now; fewer bytes only at the end.
    public func read(at offset: UInt64, count: Int) async throws(ClientError) -> FileData {
        if let failure { throw failure }
        guard offset < size, count > 0 else { return FileData() }
        let length = Int(min(UInt64(count), size - offset))
        guard offset >= sealedBytes else { return try await readSealed(offset, length) }
        guard let memory = core.pool.take(length) else {
            throw ClientError(.blockTransfer, "read of a file under construction", "no memory")
        }
        let target = UnsafeMutableRawBufferPointer(start: memory.base, count: length)
        if let buffer {
            buffer.read(at: Int(clamping: offset - sealedBytes), into: target)
        } else {
            target.initializeMemory(as: UInt8.self, repeating: 0)
        }
        return FileData(memory, 0, length)
    }

    /// Bytes of sealed spans are read from the cluster once they are there.
    private func readSealed(_ offset: UInt64, _ count: Int) async throws(ClientError) -> FileData {
        let end = min(offset + UInt64(count), sealedBytes)
        try await stored()
        let reader = FileReader(client: client, id: id, size: sealedBytes)
        return try await reader.read(at: offset, count: Int(end - offset))
    }
}

/// Lets a pointer enter a closure that runs before the caller returns.
///
/// `@unchecked Sendable`: used for synchronous calls only, on one thread.
struct SendableBytes: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }
}

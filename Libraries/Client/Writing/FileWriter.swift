import DequeModule
import EventLoop
import Protocol

/// A file under construction: bytes are gathered into spans, full spans are coded and stored while the next one fills, and
/// `finish` makes the whole visible under a name.
///
/// Writes go forwards. What is not yet sealed into a span can be written again and in any order; a gap becomes zeros that take no
/// room. After a failure every call throws that failure, and the file never becomes visible.
public actor FileWriter {
    public nonisolated let handle: TransientHandle
    public nonisolated let policies: WritePolicies
    public nonisolated let client: Client
    nonisolated let core: ClientCore

    /// Length of the file so far.
    public private(set) var size: UInt64 = 0
    /// Everything before it is sealed. A multiple of 4096.
    public private(set) var sealedBytes: UInt64 = 0
    /// The first failure, if there was one.
    public private(set) var failure: ClientError?

    private var buffer: SpanBuffer?
    private var sealed = Deque<SealedSpan>()
    private var isStoring = false
    private var isEnded = false
    /// What `finish` was asked for, and when the name was made, if it is already.
    private var pendingName: PendingName?
    private var creationTime: Timestamp?
    private var waiters: [UnsafeContinuation<Void, Never>] = []

    /// Sealed spans of one file that may wait; one is being sent, one is ready.
    private static let sealedLimit = 2
    /// Spans up to this size are coded at once instead of on a worker.
    private static let smallBytes = 128 << 10

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

    /// Takes `bytes` for `offset` if that needs no waiting; false, with nothing taken, otherwise. Call it on the client's loop.
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

    private func checkUsable() throws(ClientError) {
        if let failure { throw failure }
        guard !isEnded else { throw ClientError(.closed, "use of a file under construction") }
    }

    @discardableResult
    private func fail(_ error: ClientError) -> ClientError {
        if failure == nil { failure = error }
        return error
    }

    // MARK: Sealing

    private var hasRoom: Bool { sealed.count < Self.sealedLimit && core.uploads.hasRoom }

    private func waitForRoom() async {
        while failure == nil, sealed.count >= Self.sealedLimit { await nextProgress() }
        while failure == nil, !core.uploads.hasRoom {
            await withUnsafeContinuation { continuation in core.uploads.wait { continuation.resume() } }
        }
    }

    private func nextProgress() async {
        await withUnsafeContinuation { waiters.append($0) }
    }

    private func progressed() {
        let resumed = waiters
        waiters = []
        for waiter in resumed { waiter.resume() }
    }

    /// Seals the open span, which ends before `position`, and the gap up to the page of `position`.
    private func seal(before position: UInt64) {
        let page = UInt64(ClientLimits.pageBytes)
        let end = position / page * page
        if let buffer, buffer.filled > 0 {
            push(buffer, logicalBytes: min(end - sealedBytes, UInt64(policies.largestSpanBytes)))
        }
        pushHole(to: end)
        buffer = nil
        startStoring()
    }

    /// Seals all there is; no more is to come.
    private func sealRest() {
        let rest = size - sealedBytes
        if let buffer, buffer.filled > 0 {
            push(buffer, logicalBytes: min(rest, UInt64(policies.largestSpanBytes)))
        }
        pushHole(to: size)
        buffer = nil
        startStoring()
    }

    private func push(_ buffer: SpanBuffer, logicalBytes: UInt64) {
        let logical = UInt32(clamping: logicalBytes)
        let span = SealedSpan(
            byteOffset: sealedBytes, logicalBytes: logical, content: .data(buffer, encoding(buffer, logical)))
        core.uploads.add(span.heldBytes)
        sealed.append(span)
        sealedBytes += logicalBytes
    }

    private func pushHole(to end: UInt64) {
        while sealedBytes < end {
            let logical = min(end - sealedBytes, ClientLimits.holeBytes)
            sealed.append(SealedSpan(byteOffset: sealedBytes, logicalBytes: UInt32(clamping: logical), content: .hole))
            sealedBytes += logical
        }
    }

    private func encoding(_ buffer: SpanBuffer, _ logicalBytes: UInt32) -> Task<EncodedSpan?, Never> {
        let policies = policies
        let pool = core.pool
        @Sendable func encode() -> EncodedSpan? {
            SpanEncoder.encode(
                buffer.memory, filled: buffer.filled, logicalBytes: logicalBytes, policies: policies, pool: pool)
        }
        if buffer.filled <= Self.smallBytes {
            let encoded = encode()
            return client.loop.task { encoded }
        }
        return client.loop.task {
            await withUnsafeContinuation { continuation in
                WorkQueue.shared.run { continuation.resume(returning: encode()) }
            }
        }
    }

    // MARK: Storing

    private func startStoring() {
        guard !isStoring, !sealed.isEmpty else { return }
        isStoring = true
        client.loop.task { await self.storeAll() }
    }

    private func storeAll() async {
        while failure == nil, let span = sealed.first {
            do {
                try await store(span)
            } catch {
                fail(error)
            }
            if !sealed.isEmpty { core.uploads.remove(sealed.removeFirst().heldBytes) }
            progressed()
        }
        isStoring = false
        if failure != nil { dropSealed() }
        progressed()
    }

    private func store(_ span: SealedSpan) async throws(ClientError) {
        let encoded: EncodedSpan
        switch span.content {
        case .hole: encoded = SpanEncoder.inline([], span.logicalBytes)
        case .data(_, let encoding):
            guard let value = await encoding.value else {
                throw ClientError(.badPolicy, "coding of a span", "no memory, or no layout for it")
            }
            encoded = value
        }
        let isLast = isEnded && sealed.count == 1
        creationTime = try await client.store(
            encoded, in: handle, at: span.byteOffset, linkingAs: isLast ? pendingName : nil)
    }

    private func dropSealed() {
        for span in sealed { core.uploads.remove(span.heldBytes) }
        sealed.removeAll()
        buffer = nil
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

    // MARK: Ending

    /// Waits until everything sealed so far is stored.
    public func stored() async throws(ClientError) {
        while failure == nil, isStoring { await nextProgress() }
        if let failure { throw failure }
    }

    /// Stores what is left and gives the file its name, in place of whatever file has it. `directory` must be in the file's shard, as
    /// the one is for which the file was made.
    /// - Returns: the creation time of the name.
    public func finish(linkingIn directory: InodeID, name: [UInt8]) async throws(ClientError) -> Timestamp {
        try checkUsable()
        try Client.checkName(name)
        isEnded = true
        pendingName = PendingName(directory: directory, name: name)
        sealRest()
        do {
            try await stored()
            if let creationTime { return creationTime }
            return try await client.link(handle, in: directory, name: name)
        } catch {
            throw fail(error)
        }
    }

    /// Gives the file up: nothing of it becomes visible, and its blocks are collected soon. Without effect after `finish`.
    public func abandon() async {
        guard !isEnded || failure != nil else { return }
        isEnded = true
        fail(ClientError(.closed, "use of an abandoned file"))
        if !isStoring { dropSealed() }
        await client.scrap(handle)
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

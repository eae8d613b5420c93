import DequeModule
import EventLoop
import Mutations
import Protocol
import Synchronization

/// A file under construction: bytes are gathered into spans, full spans are coded and stored while the next one fills,
/// and `finish` makes the whole visible under a name.
///
/// Bytes may be written anywhere, in any order; a gap becomes zeros that take no room. Going forwards is cheapest: what
/// is written behind what is sealed is kept beside, and makes the spans that it touches be stored anew at the end.
/// After a failure every call throws that failure, and the file never becomes visible. A file that its shard gave up,
/// or that was patched, is stored again under another number.
public actor FileWriter {
    public nonisolated let policies: WritePolicies
    public nonisolated let client: Client
    nonisolated let core: ClientCore
    private nonisolated let currentHandle: Mutex<TransientHandle>
    /// The transient file that it was at first, by whose number people know it.
    let firstID: InodeID
    /// Gives that one up, since another one took its place.
    var givingUpFirst: Task<Void, Never>?
    /// For operators, as the shard was told it; empty in an inode made ahead.
    let note: [UInt8]

    /// Length of the file so far.
    public internal(set) var size: UInt64 = 0
    /// Everything before it is sealed. A multiple of 4096.
    public internal(set) var sealedBytes: UInt64 = 0
    /// The first failure, if there was one.
    public internal(set) var failure: ClientError?

    var buffer: SpanBuffer? {
        didSet { core.openFiles.resized(from: oldValue?.memory.count ?? 0, to: buffer?.memory.count ?? 0) }
    }
    /// Counts what was done to the content: writes, zeros, cuts, references.
    var edits: UInt64 = 0
    var sealed = Deque<SealedSpan>()
    /// A finished file that what is sealed lies in, as long as nothing of it was copied.
    var base: Base?
    /// The one whose beginning is all that the transient file has, which refers to it, as long as it got nothing else.
    var referred: Base?
    /// What the transient file has.
    var ownBytes: UInt64 = 0
    /// What was written over what is sealed.
    var patches = Patches()
    var rebuilding: Rebuilding?
    /// Whether `synchronize` waits for the patches to be stored.
    var wantsRebuilding = false
    /// Counts how often the bytes of the sealed part went elsewhere, or became fewer.
    var moves: UInt64 = 0
    var isStoring = false
    var isEnded = false
    /// What `finish` was asked for, and what came of it.
    var publication: Publication?
    var published: PublishedVersion?
    var waiters: [UnsafeContinuation<Void, Never>] = []
    /// The shard has given the file up; it is to be stored again.
    var isLost = false
    var restorations = 0
    /// What fsync stored of the open span.
    var tail: Tail?
    var isStoringTail = false
    /// Whether the open span cannot grow before others have given memory back.
    var isShortOfMemory = false
    /// The same for what is written over what is sealed.
    var patchShortage: PatchMemory.Shortage?

    /// Sealed spans of one file that may wait; one is being sent, one is ready.
    static let sealedLimit = 2
    /// Spans up to this size are coded at once instead of on a worker.
    static let smallBytes = 128 << 10

    public nonisolated var unownedExecutor: UnownedSerialExecutor { client.unownedExecutor }

    init(client: Client, handle: TransientHandle, policies: WritePolicies, note: [UInt8]) {
        self.client = client
        self.policies = policies
        self.note = note
        core = client.core
        currentHandle = Mutex(handle)
        firstID = handle.id
    }

    deinit {
        guard let bytes = buffer?.memory.count else { return }
        core.loop.submit { [core] in core.openFiles.resized(from: bytes, to: 0) }
    }

    /// The transient file that it is at the moment.
    public internal(set) nonisolated var handle: TransientHandle {
        get { currentHandle.withLock { $0 } }
        set { currentHandle.withLock { $0 = newValue } }
    }

    /// The inode; it keeps its id when it becomes visible. Before, it changes when the shard gives the file up, and when
    /// what is stored of it was changed; as its number it gets the first one then, where the shard can do that.
    public nonisolated var id: InodeID { handle.id }

    // MARK: Writing

    /// Takes `bytes` for `offset` if that needs no waiting; false otherwise: then all are to be written again by
    /// `write`. Call it on the client's loop.
    /// - Throws: the failure of the file.
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

    private func takeAtOnce(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(ClientError) -> Bool {
        // What goes beyond the open span seals it; that must be possible without waiting, and so must be getting
        // memory.
        let (end, overflow) = offset.addingReportingOverflow(UInt64(bytes.count))
        guard !overflow, end <= ClientLimits.fileBytes else {
            return try take(bytes, at: offset) == bytes.count  // to be refused
        }
        guard offset >= sealedBytes else {
            guard end <= sealedBytes, patches.takes(offset..<end, in: core.patchMemory) else { return false }
            return try take(bytes, at: offset) == bytes.count
        }
        // However much memory there is: of what is refused nothing may be taken, for the size tells where bytes that
        // are appended belong.
        guard hasMemory(for: bytes.count, until: end) else { return false }
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
        guard offset <= ClientLimits.fileBytes, UInt64(bytes.count) <= ClientLimits.fileBytes - offset else {
            throw ClientError(.tooLarge, "write at \(offset)")
        }
        edits &+= 1
        var done = offset < sealedBytes ? try patch(bytes, at: offset) : 0
        if offset + UInt64(done) < sealedBytes { return done }
        let capacity = UInt64(policies.largestSpanBytes)
        while done < bytes.count {
            let position = offset + UInt64(done)
            if position >= sealedBytes + capacity {
                guard hasRoom else { return done }
                seal(before: position)
            }
            let start = Int(position - sealedBytes)
            let count = min(bytes.count - done, Int(capacity) - start)
            switch try makeMemory(for: start + count, at: position) {
            case .short: return done
            case .sealedMore: continue
            case .enough: break
            }
            let part = UnsafeRawBufferPointer(rebasing: bytes[done..<done + count])
            let goesForwards = buffer?.filled == start
            buffer?.write(part, at: start)
            done += count
            size = max(size, position + UInt64(count))
            // Nothing is left to wait for, whether the file goes on or not; unless it is written in another order.
            let isFull = start + count == Int(capacity) && !Mutation.fullSpansStayOpen.isPlanted
            if isFull, goesForwards || Mutation.anyFullSpanIsSealed.isPlanted, hasRoom {
                seal(before: sealedBytes + capacity)
            }
        }
        return done
    }

    func checkFailure() throws(ClientError) {
        if let failure { throw failure }
    }

    func checkUsable() throws(ClientError) {
        try checkFailure()
        guard !isEnded else { throw ClientError(.closed, "use of a file under construction") }
    }

    /// What failed lets go of what it has, so that others need not wait for its end to go on.
    @discardableResult
    func fail(_ error: ClientError) -> ClientError {
        guard failure == nil else { return error }
        failure = error
        guard !Mutation.failedFilesKeepTheirMemory.isPlanted else { return error }
        // What is being stored is needed until it is.
        patches = Patches()
        if !isStoring {
            dropSealed()
            progressed()
        }
        return error
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

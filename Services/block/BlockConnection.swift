import EventLoop
import Glibc
import Protocol
import Wire

/// One client's connection. Belongs to the loop; while a job works on the socket the loop leaves the socket alone.
final class BlockConnection: AcceptedConnection {
    enum State {
        /// Reading the header of the next request.
        case header
        /// A job waits for data, or for room.
        case waiting(BlockJob)
        /// A job works on one of its disk's threads.
        case working
        /// Dropping data of a refused request; then the answer.
        case dropping(Int, then: [UInt8])
        /// An answer does not fit into the socket yet.
        case sending([UInt8], closes: Bool)
        /// Our end is closed; dropping what still comes.
        case lingering
        case closed
    }

    let server: BlockServer
    let socket: Int32
    let peer: SocketAddress
    var state = State.header
    /// Where the present job's steps wait for a thread.
    private var jobQueue: (queue: DiskQueue, kind: DiskQueue.Kind)?
    /// What the loop does when the job has ended, well or not.
    var whenJobEnds: ((BlockJob) -> Void)?
    /// When the connection is given up, on the loop's monotonic clock. Not while a job works.
    var deadline: UInt64 = 0

    private var poll: FileDescriptorPoll?
    private var watched: FileDescriptorPoll.Events = []
    private var lowWater: Int32 = 1
    /// How long the present request may wait for its data altogether, and since when it does.
    private var inputPatience: UInt64 = 0
    private var inputWaitsSince: UInt64?
    /// A step of the job is on one of the disk's threads, which the socket must outlive.
    private var isStepUnderWay = false
    private var closesAfterWork = false
    /// Since when the peer has let us wait, for a header or in the middle of a request.
    private var waitsSince: UInt64
    /// The header of the next request has begun to come in, or is the first one.
    private var isHeaderDue = true
    private var hasRequested = false
    private let input: UnsafeMutableRawBufferPointer
    private var inputStart = 0
    private var inputEnd = 0

    /// Room for several pipelined requests; the longest has 41 bytes. Small, since data read together with a header is
    /// copied.
    private static let inputSize = 512
    /// With how much data to be woken up while a block comes in.
    private static let inputStep = 256 << 10

    init(_ socket: Int32, _ peer: SocketAddress, server: BlockServer) throws(SystemError) {
        self.socket = socket
        self.peer = peer
        self.server = server
        waitsSince = server.loop.monotonicNanoseconds
        input = .allocate(byteCount: Self.inputSize, alignment: 8)
        poll = try FileDescriptorPoll(on: server.loop, descriptor: socket) { [unowned self] in socketReady($0) }
        touch()
        watch(.readable)
    }

    deinit { input.deallocate() }

    // MARK: Readiness

    private func socketReady(_ events: FileDescriptorPoll.Events) {
        if events.contains(.failed) {
            watched = []
            return close()
        }
        touch()
        switch state {
        case .header: receiveHeader()
        case .waiting(let job):
            endInputWait()
            dispatch(job)
        case .dropping(let remaining, let answer):
            waitsSince = server.loop.monotonicNanoseconds
            drop(remaining, then: answer)
        case .sending(let bytes, let closes): send(bytes, closes: closes)
        case .lingering: linger()
        case .working: watch([])  // the next request is early, or a block's data arrives: the job knows
        case .closed: break
        }
    }

    private func receiveHeader() {
        let room = UnsafeMutableRawBufferPointer(rebasing: input[inputEnd...])
        let count = recv(socket, room.baseAddress, room.count, 0)
        if count > 0 {
            inputEnd += count
            processInput()
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            close()
        }
    }

    /// Handles requests until one has to wait or input runs out.
    func processInput() {
        while case .header = state {
            var reader = WireReader(UnsafeRawBufferPointer(rebasing: input[inputStart..<inputEnd]))
            do throws(DecodeError) {
                let header = try BlocksRequestHeader(from: &reader)
                guard let kind = BlocksKind(rawValue: header.kind) else { return refuseMalformed() }
                let request = try AnyBlocksRequest.decode(kind: kind, from: &reader)
                inputStart = inputEnd - reader.remaining
                isHeaderDue = false
                hasRequested = true
                handle(request, for: BlockServiceID(rawValue: header.blockService))
            } catch .truncated {
                return awaitHeader()
            } catch {
                return refuseMalformed()
            }
        }
    }

    private func awaitHeader() {
        if inputStart > 0 {
            let kept = inputEnd - inputStart
            if kept > 0, let base = input.baseAddress { memmove(base, base + inputStart, kept) }
            inputStart = 0
            inputEnd = kept
        }
        if inputEnd > 0, !isHeaderDue {
            isHeaderDue = true
            waitsSince = server.loop.monotonicNanoseconds
        }
        touch()
        watch(.readable)
    }

    /// Data of a write that arrived together with its header.
    func takeInput(atMost count: Int) -> [UInt8] {
        let end = inputStart + min(count, inputEnd - inputStart)
        defer { inputStart = end }
        return Array(input[inputStart..<end])
    }

    private func refuseMalformed() {
        server.malformedRequests.add()
        server.logger.info("malformed request from \(peer)")
        send(Answers.failure(.malformedRequest), closes: true)
    }

    // MARK: Jobs

    /// Gives a job to its disk's threads; answers that there is too much to do when too many wait already.
    func start(_ job: BlockJob, as kind: DiskQueue.Kind, on disk: ServedDisk) {
        jobQueue = (disk.queue, kind)
        inputPatience = server.settings.inputPatience(byteCount: job.unread)
        dispatch(job, isFirst: true)
    }

    private func dispatch(_ job: BlockJob, isFirst: Bool = false) {
        guard let (queue, kind) = jobQueue else { preconditionFailure("a job has a queue") }
        let waited = state
        state = .working
        isStepUnderWay = true
        // Readability stays watched: most clients send nothing before they have the answer, and changing it costs
        // three system calls.
        if watched == .writable { watch([]) }
        setLowWater(1)
        let (socket, chunks) = (socket, server.chunks)
        let ended = StepEnd(of: job, for: self)
        let step: @Sendable () -> Void = {
            let chunk = chunks.take()
            let outcome = job.step(socket, using: chunk)
            chunks.giveBack(chunk)
            if case .later(let begin) = outcome { begin { ended.report($0) } } else { ended.report(outcome) }
        }
        guard isFirst else { return queue.run(kind, step) }
        guard !queue.offer(kind, step) else { return }
        state = waited
        isStepUnderWay = false
        server.overloads.add()
        jobEnded(job)
        refuse(RequestRules.overload, unread: job.unread)
    }

    fileprivate func stepEnded(_ job: BlockJob, _ outcome: BlockJob.Outcome) {
        isStepUnderWay = false
        if closesAfterWork {
            state = .waiting(job)
            return close()
        }
        touch()
        switch outcome {
        case .needsInput(let count):
            state = .waiting(job)
            setLowWater(Int32(min(count, Self.inputStep)))
            watch(.readable)
            beginInputWait()
        case .needsOutput:
            state = .waiting(job)
            watch(.writable)
        case .again: dispatch(job)
        case .later: preconditionFailure("what comes later ends")
        case .answer(let bytes):
            jobEnded(job)
            send(bytes, closes: false)
        case .refuse(let error, let unread):
            jobEnded(job)
            refuse(error, unread: unread)
        case .done:
            jobEnded(job)
            nextRequest()
        case .broken(let reason):
            server.logger.debug("connection of \(peer) broken: \(reason)")
            jobEnded(job)
            close()
        }
    }

    private func jobEnded(_ job: BlockJob) {
        whenJobEnds?(job)
        whenJobEnds = nil
    }

    // MARK: Ending

    private func touch() {
        switch state {
        case .dropping, .lingering: return  // these have a deadline for everything
        case .header where isHeaderDue:
            deadline = waitsSince &+ server.settings.connections.requestNanoseconds
        default:
            waitsSince = server.loop.monotonicNanoseconds
            deadline = waitsSince &+ server.settings.connectionTimeoutNanoseconds
        }
    }

    /// Who sends a byte now and then is never still, but must come to an end. Only the time in which nothing else than
    /// the peer keeps the request from going on counts.
    private func beginInputWait() {
        let now = server.loop.monotonicNanoseconds
        inputWaitsSince = now
        deadline = min(deadline, now &+ inputPatience)
    }

    private func endInputWait() {
        guard let since = inputWaitsSince else { return }
        inputWaitsSince = nil
        let waited = server.loop.monotonicNanoseconds &- since
        inputPatience -= min(waited, inputPatience)
    }

    /// Whether it has been waiting for its peer for too long.
    func hasExpired(at now: UInt64) -> Bool {
        if case .working = state { return false }
        return now > deadline
    }

    /// What it is worth when there are too many connections.
    var standing: ConnectionStanding {
        switch state {
        case .working, .closed: .busy
        case .header where !hasRequested: .silent(since: waitsSince)
        case .header where !isHeaderDue: .idle(since: waitsSince)
        case .lingering: .silent(since: waitsSince)
        case .header, .waiting, .dropping, .sending: .stalled(since: waitsSince)
        }
    }

    /// Ends the connection when it is idle, else after the present request.
    func end() {
        switch state {
        case .working, .sending, .lingering: break
        default: close()
        }
    }

    /// Closes at once, or as soon as the job's step has ended.
    func close() {
        switch state {
        case .closed: return
        case .working where isStepUnderWay:
            closesAfterWork = true
            shutdown(socket, Int32(SHUT_RDWR))  // its next transfer fails
            return
        case .waiting(let job):
            if let (queue, kind) = jobQueue { queue.run(kind) { job.abandon() } }
            jobEnded(job)
        default: break
        }
        state = .closed
        poll?.close()
        poll = nil
        Glibc.close(socket)
        server.connectionClosed(self)
    }

    // MARK: Socket

    func watch(_ events: FileDescriptorPoll.Events) {
        guard events != watched else { return }
        watched = events
        poll?.watch(events)
    }

    /// With how many received bytes the socket counts as readable. Only an optimisation.
    private func setLowWater(_ bytes: Int32) {
        guard bytes != lowWater else { return }
        lowWater = bytes
        var value = bytes
        setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}

/// Brings the outcome of a step from any thread to its connection's loop.
///
/// `@unchecked Sendable`: made on the loop and used there only; other threads hand it on with what they report.
private final class StepEnd: @unchecked Sendable {
    private let loop: EventLoop
    private let job: BlockJob
    private let connection: BlockConnection

    init(of job: BlockJob, for connection: BlockConnection) {
        self.job = job
        self.connection = connection
        loop = connection.server.loop
    }

    func report(_ outcome: BlockJob.Outcome) {
        let box = OutcomeBox(outcome)
        loop.submit { [self] in connection.stepEnded(job, box.outcome) }
    }
}

/// `@unchecked Sendable`: made by the thread that ends a step and opened by the loop after it.
private struct OutcomeBox: @unchecked Sendable {
    let outcome: BlockJob.Outcome

    init(_ outcome: BlockJob.Outcome) { self.outcome = outcome }
}

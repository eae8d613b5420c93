import CFUSE
import Client
import EventLoop
import Glibc
import Logging
import Protocol

/// A cluster as a filesystem of the kernel.
///
/// Runs on the client's event loop. Each request of the kernel is one task (or, where nothing has to be waited for, a
/// plain call); what it answers is returned, and sent in one place.
actor Mount {
    nonisolated let client: Client
    nonisolated let loop: EventLoop
    nonisolated let style: AttributeStyle
    nonisolated let caching: CachingTimes
    nonisolated let patience: Patience
    nonisolated let logger: Logger
    let watch: CompletionWatch
    var creators = CreatorCache()
    let notifications: KernelNotifications

    var nodes = NodeTable()
    /// Files under construction by the kernel's number.
    var constructions: [UInt64: Construction] = [:]
    var places = PlaceTable()
    var handles: [UInt64: Handle] = [:]
    private var lastHandle: UInt64 = 0
    var totals: (answer: InfoResponse, nanoseconds: UInt64)?
    nonisolated let accessTimes: AccessTimes
    var accessesUnderWay = 0
    var losses = LossLog()
    private var requestsUnderWay = 0

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(
        client: Client, style: AttributeStyle, caching: CachingTimes, accessTimes: AccessTimes = .off,
        patience: Patience, logger: Logger
    ) {
        self.client = client
        self.style = style
        self.caching = caching
        self.accessTimes = accessTimes
        self.patience = patience
        self.logger = logger
        loop = client.loop
        watch = CompletionWatch(loop: client.loop)
        notifications = KernelNotifications()
    }

    // MARK: Answering

    /// Runs one operation and sends what it answers.
    func answer(
        _ reply: FuseReply, _ operation: @Sendable (isolated Mount) async throws(Errno) -> Answer
    ) async {
        requestsUnderWay += 1
        defer { requestsUnderWay -= 1 }
        let answer: Answer
        do {
            answer = try await operation(self)
        } catch {
            answer = .failed(error)
        }
        if !reply.send(answer, style) { await undo(answer) }
    }

    /// Nobody wants the answer any more: what the kernel would have held through it is given back.
    func undo(_ answer: Answer) async {
        switch answer {
        case .entry(let entry): nodes.forget(entry.attributes.number, 1)
        case .created(let entry, let opened):
            nodes.forget(entry.attributes.number, 1)
            await release(opened.handle, isInterrupted: true)
        case .opened(let opened): await release(opened.handle, isInterrupted: true)
        case .listing(let buffer):
            for number in buffer.lookedUp { nodes.forget(number, 1) }
        default: break
        }
    }

    // MARK: Handles

    /// What an open file is.
    enum Handle {
        /// A finished file.
        case reading(FileReader)
        case sealed(WritableFile)
        /// A file that was under construction when it was opened, and perhaps still is.
        case constructing(Construction)
    }

    func open(_ handle: Handle) -> UInt64 {
        lastHandle += 1
        handles[lastHandle] = handle
        return lastHandle
    }

    func construction(ofHandle handle: UInt64) -> Construction? {
        guard case .constructing(let construction)? = handles[handle] else { return nil }
        return construction
    }

    // MARK: Helpers

    /// The process of a thread that makes a file.
    func creator(_ thread: Int32) async -> CreatorProcess? {
        guard thread > 0, CallerSight.isProcOurs else { return nil }
        if let known = creators.process(of: thread) { return known }
        guard let group = await watch.group(ofThread: thread) else { return nil }
        return creators.insert(group: group, thread)
    }

    /// The node of a number that the kernel uses.
    func node(_ number: UInt64) -> Node {
        nodes[number] ?? Node(number: number, content: NodeNumber.inode(number))
    }

    func directory(_ number: UInt64) throws(Errno) -> InodeID {
        let inode = node(number).content
        guard inode.isDirectory else { throw Errno(ENOTDIR) }
        return inode
    }

    func now() -> Timestamp {
        Timestamp(nanoseconds: loop.wallClock())
    }

    static func checkName(_ name: [UInt8]) throws(Errno) {
        guard name.count <= 255 else { throw .nameTooLong }
    }
}

/// How long the kernel may believe what it was told, in seconds.
struct CachingTimes: Sendable {
    /// Names, and attributes of directories: other clients change them.
    var names: Double = 1
    /// Attributes of finished files: only their times can change.
    var files: Double = 60
}

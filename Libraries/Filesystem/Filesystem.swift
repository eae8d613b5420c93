import Client
import EventLoop
import Glibc
import Logging
import Protocol

/// A cluster with the semantics of POSIX: nodes, handles, files that appear when whoever made them closes them, errors
/// that stick. Front ends translate to it.
///
/// Runs on the client's event loop; call it from tasks that prefer that (`loop.task`), which nobody gets in the way of
/// where an operation calls another. Operations are functions that answer or throw; what somebody holds through an
/// answer (references of nodes, handles) he gives back by `forget`, `release` or, when nobody heard it, `takeBack`.
public actor Filesystem {
    public nonisolated let client: Client
    public nonisolated let loop: any Loop
    nonisolated let creators: any Creators
    nonisolated let observer: any Observer
    nonisolated let patience: Patience
    nonisolated let options: FilesystemOptions
    nonisolated let logger: Logger

    var nodes = NodeTable()
    var stagedFiles: [NodeID: StagedFile] = [:]
    var stagedNames = StagedNames()
    var openFiles: [HandleID: OpenFile] = [:]
    private var lastHandle: UInt64 = 0
    /// Counts how often a node came to stand for another version.
    var moves: UInt64 = 0
    /// How many notices of changed contents observers got, and how many of them they have heard for certain.
    var notices: UInt64 = 0
    var heardNotices: UInt64 = 0
    var lastStaged: UInt64 = 0
    var totals: (answer: InfoResponse, nanoseconds: UInt64)?
    var accessesUnderWay = 0
    /// The front end goes away.
    var isEnding = false
    var losses = LossLog()
    /// How often a program did not get what it wanted, since the start.
    public internal(set) var lossCount = 0
    /// Whether rights are those that people set: not in clusters that cannot keep them, nor where somebody said so.
    public internal(set) var storesOwnership = false
    /// Whose is what nobody was given.
    var defaults = DefaultOwnership(uid: 0, gid: 0, fileMode: 0o644, directoryMode: 0o755)
    /// Until when that may be believed, on the loop's clock.
    var defaultsUntil: UInt64 = 0
    var snapshots = OpenSnapshots()
    var hints = PlaceHints()

    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// - Parameters:
    ///   - client: one that was started.
    ///   - creators: who knows which closes of a file are final.
    ///   - observer: who has to hear what changed.
    ///   - logger: gets a line for every loss.
    public init(
        client: Client, creators: any Creators, observer: any Observer, options: FilesystemOptions, logger: Logger
    ) {
        self.client = client
        self.creators = creators
        self.observer = observer
        self.logger = logger
        loop = client.loop
        self.options = options
        patience = Patience(loop: client.loop, nanoseconds: options.patienceNanoseconds)
    }

    nonisolated var caching: CachingTimes { options.caching }

    // MARK: Handles

    func open(_ file: OpenFile) -> HandleID {
        let handle = nextHandle()
        openFiles[handle] = file
        return handle
    }

    func nextHandle() -> HandleID {
        lastHandle += 1
        return HandleID(rawValue: lastHandle)
    }

    func file(_ handle: HandleID) throws(FilesystemError) -> OpenFile {
        guard let file = openFiles[handle] else { throw .badDescriptor }
        return file
    }

    // MARK: Nodes

    /// How many files and directories somebody knows, and so how much memory they take.
    public var knownNodes: Int { nodes.count }

    /// The node that a front end means. One that nobody holds is made for the moment.
    func node(_ id: NodeID) -> Node {
        nodes[id] ?? Node(id: id)
    }

    /// - Throws: EROFS for one in which only snapshots are.
    func directory(_ id: NodeID) throws(FilesystemError) -> InodeID {
        guard !id.isSnapshot else { throw .readOnly }
        let inode = node(id).content
        guard inode.isDirectory else { throw FilesystemError(ENOTDIR) }
        return inode
    }

    func now() -> Timestamp {
        Timestamp(nanoseconds: loop.wallClock())
    }

    static func checkName(_ name: [UInt8]) throws(FilesystemError) {
        guard name.count <= 255 else { throw .nameTooLong }
    }

    /// For a name that is to begin to be: either is something under that of the hidden place, or the hidden place is.
    static func checkNewName(_ name: [UInt8]) throws(FilesystemError) {
        try checkName(name)
        guard name != snapshotDirectory else { throw .exists }
    }
}

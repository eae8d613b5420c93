import Protocol
import ShardCore

/// What every inode must show of its attributes, worked out from what shards were asked: so they stay with an inode
/// wherever its names go, are not lost when files replace each other, and change when somebody wanted it and only then.
final class AttributeWatch {
    private let world: World
    /// Whether nobody notices a wrong clock; then requests may be forgotten early, and copies of them act again.
    private let forgivesClocks: Bool
    private var known: [InodeID: ExpectedAttributes] = [:]
    /// What inodes had when they got their first name.
    private var beginnings: [InodeID: ExpectedAttributes] = [:]
    /// The ids of requests that were carried out: copies that come late change nothing.
    private var carriedOut: Set<UInt64> = []

    init(_ world: World, forgivesClocks: Bool) {
        self.world = world
        self.forgivesClocks = forgivesClocks
    }

    /// An entry was carried out.
    /// - Parameters:
    ///   - requestID: of the packet that asked for it.
    ///   - former: what the name that the entry gives meant before.
    func note(
        _ entry: ShardLogEntry, _ reply: ShardReply, requestID: UInt64?, over former: InodeID?, _ core: ShardCore
    ) {
        if let naming = entry.action.naming { return begin(naming, over: former, reply, at: entry.time) }
        if case .rename(let rename) = entry.action { return inherit(rename, over: former, at: entry.time, core) }
        guard case .request(let request) = entry.action else { return }
        switch request {
        case .createDirectoryInode(let request): beginDirectory(request, .nothing, at: entry.time)
        case .createDirectoryInodeWithAttributes(let request):
            beginDirectory(request.creation, request.change, at: entry.time)
        case .setAttributes(let request):
            guard case .response(.setAttributes(let done)) = reply else { return }
            guard isFirst(requestID) else { return noteCopy(done.id, core) }
            // The change of a directory's attributes leaves its own time.
            let own = CoreReader(core).status(of: done.id)?.mtime ?? .zero
            known[done.id, default: ExpectedAttributes()].apply(request.change, at: entry.time, own: own)
        case .setTime(let request):
            guard isFirst(requestID) else { return noteCopy(request.id, core) }
            setTimes(request, at: entry.time)
        case .createLockedCurrentEdge(let request): mayHaveMoved(request.dirId)
        case .replaceLockedDirectoryEdge(let request): mayHaveMoved(request.dirId)
        default: break
        }
    }

    /// An entry was carried out that had been durable before its shard crashed, perhaps then already.
    func learn(from entry: ShardLogEntry, _ reply: ShardReply, _ core: ShardCore) {
        if let file = entry.action.naming?.file, known[file] == nil, let found = CoreReader(core).attributes(of: file) {
            begin(file, found.expected)
        }
        if case .request(let key)? = entry.repetition { carriedOut.insert(key.requestID) }
        if case .rename(let rename) = entry.action { learn(rename.targetId, core) }
        guard case .request(let request) = entry.action else { return }
        switch request {
        case .createDirectoryInode, .createDirectoryInodeWithAttributes:
            note(entry, reply, requestID: nil, over: nil, core)
        case .setAttributes:
            if case .response(.setAttributes(let done)) = reply { learn(done.id, core) }
        case .setTime(let request): learn(request.id, core)
        default: break
        }
    }

    /// Whatever an inode shows now is right.
    func learn(_ id: InodeID, _ core: ShardCore) {
        if let found = CoreReader(core).attributes(of: id) { known[id] = found.expected }
    }

    private func isFirst(_ requestID: UInt64?) -> Bool {
        guard let requestID else { return true }
        return carriedOut.insert(requestID).inserted
    }

    private func noteCopy(_ id: InodeID, _ core: ShardCore) {
        if forgivesClocks, world.faults.clockJumps + world.faults.clockSteps > 0 { learn(id, core) }
    }

    private func setTimes(_ request: SetTimeRequest, at time: Timestamp) {
        var attributes = known[request.id] ?? ExpectedAttributes()
        if let modified = InodeAttributeChange.time(request.mtime) {
            attributes.modified = .given(modified)
            attributes.changed = time
        }
        // What readers leave behind is no change.
        if let accessed = InodeAttributeChange.time(request.atime) { attributes.accessed = .given(accessed) }
        known[request.id] = attributes
    }

    // MARK: Names

    /// A time that somebody gave a directory counts until its names change.
    func namesChanged(in directory: InodeID) { known[directory]?.modified = .own }

    /// The coordinator repeats a request whose answer it did not get: that moves the directory's time, not its names.
    private func mayHaveMoved(_ directory: InodeID) {
        guard case .given? = known[directory]?.modified else { return }
        known[directory]?.modified = .unknown
    }

    private func begin(_ naming: Naming, over former: InodeID?, _ reply: ShardReply, at time: Timestamp) {
        var attributes = ExpectedAttributes(ownership: naming.otherwise, kind: naming.kind, device: naming.device)
        var isNext = true
        if !naming.number.isNull, let given = reply.publication?.number { isNext = given == naming.number }
        if naming.inherits, naming.kind == .none, isNext, naming.file.type == .file {
            attributes.inherit(from: former, keepsPrivileges: naming.keepsPrivileges, in: naming.file.shard, known)
        }
        (attributes.modified, attributes.accessed) = (.given(time), .given(time))
        attributes.apply(naming.change, at: time, own: time)
        begin(naming.file, attributes)
    }

    /// By a client that knows nothing of attributes: a file of which nobody has said whose it is.
    private func inherit(
        _ rename: SameDirectoryRenameRequest, over former: InodeID?, at time: Timestamp, _ core: ShardCore
    ) {
        let id = rename.targetId
        guard id.type == .file, id.shard == core.shard, former != id else { return }
        var attributes = known[id] ?? ExpectedAttributes()
        guard attributes.isPlain else { return }
        attributes.inherit(from: former, keepsPrivileges: false, in: core.shard, known)
        guard !attributes.isPlain else { return }
        attributes.changed = time
        known[id] = attributes
    }

    private func beginDirectory(
        _ request: CreateDirectoryInodeRequest, _ change: InodeAttributeChange, at time: Timestamp
    ) {
        var attributes = ExpectedAttributes()
        attributes.apply(change, at: .zero, own: time)
        begin(request.id, attributes)
    }

    private func begin(_ id: InodeID, _ attributes: ExpectedAttributes) {
        guard known[id] == nil else { return }
        known[id] = attributes
        beginnings[id] = attributes
    }

    // MARK: Checking

    /// A client was told that it made an inode with these.
    func promised(
        _ id: InodeID, _ change: InodeAttributeChange, inherits: Bool, otherwise: InodeOwnership = .default,
        kind: SpecialFileKind = .none, device: UInt64 = 0
    ) {
        guard let beginning = beginnings[id] else { return }
        var expected = beginning
        if !inherits { (expected.ownership, expected.extended) = (otherwise, [:]) }
        (expected.kind, expected.device) = (kind, device)
        expected.apply(change, at: beginning.changed, own: .zero)
        if beginning != expected { world.find("\(id) began with \(beginning), and not with \(expected)") }
    }

    /// - Parameter holes: how many of its bytes are zeros that nobody stored.
    func check(_ id: InodeID, _ reader: CoreReader, holes: UInt64 = 0) {
        guard let found = reader.attributes(of: id) else { return world.find("\(id) has no attributes") }
        var expected = (known[id] ?? ExpectedAttributes()).applied(to: found)
        expected.holes = holes
        if found != expected { world.find("\(id) has \(found), and should have \(expected)") }
    }
}

import Protocol
import ShardCore

/// Looks at every entry that a shard applies, and at every shard that comes back after a crash.
final class ShardWatch {
    private let world: World
    private let names: NameHistory
    let attributes: AttributeWatch
    private var applied: [ShardID: LogIndex] = [:]
    /// The last entry of each shard that was looked at.
    private var latest: [ShardID: (index: LogIndex, time: Timestamp)] = [:]
    /// Inodes that were removed: none may come back (T5).
    private var removedInodes: Set<InodeID> = []
    /// Blocks whose removal was proven (T3), and history that garbage collection removed (T6).
    private(set) var releasedBlocks: Set<BlockID> = []
    private(set) var collected: Set<SnapshotPlace> = []

    struct SnapshotPlace: Hashable {
        let place: Place
        let creationTime: Timestamp
    }

    /// The numbers of versions that came back from history, as they are since then.
    private(set) var numbers: [InodeID: InodeID] = [:]
    /// When versions were superseded, by the clock of their shard.
    private var superseded: [InodeID: Timestamp] = [:]
    /// How far two clocks that are compared may be apart, nanoseconds; nil where nobody can know what is true.
    private let clockTolerance: UInt64?

    init(_ world: World, _ names: NameHistory, clockTolerance: UInt64?) {
        self.world = world
        self.names = names
        attributes = AttributeWatch(world, forgivesClocks: clockTolerance == nil)
        self.clockTolerance = clockTolerance
    }

    /// Shards that have applied anything.
    var shards: [ShardID] { applied.keys.sorted { $0.rawValue < $1.rawValue } }

    /// The last entry of a shard that any replica has applied.
    func lastApplied(of shard: ShardID) -> LogIndex { applied[shard] ?? .zero }

    /// - Parameter requestID: of the packet that asked for the entry, if that is known.
    func applied(_ entry: ShardLogEntry, _ reply: ShardReply, _ core: ShardCore, requestID: UInt64?) {
        // Another replica has applied it before.
        guard core.appliedIndex > lastApplied(of: core.shard) else { return }
        let requestID = requestID ?? entry.requestID
        applied[core.shard] = core.appliedIndex
        world.trace.digest(core.appliedIndex.rawValue ^ entry.time.nanoseconds)
        look(atTimeOf: entry, core)
        guard reply.isSuccess else { return }
        let former = entry.action.touchedPlaces.last.flatMap { names.meaning(of: $0)?.target }
        note(entry, core)
        attributes.note(entry, reply, requestID: requestID, over: former, core)
        // The next version of a file is no other name.
        let isNextVersion = entry.action.makesNextVersion(of: former, reply, core)
        for place in entry.action.touchedPlaces {
            let before = names.meaning(of: place)
            look(at: place, core)
            if names.meaning(of: place) != before, !isNextVersion { attributes.namesChanged(in: place.directory) }
        }
    }

    /// An entry is read from the log again. It may be one that was durable when its shard crashed and is applied only
    /// now; what it did to names, `restarted` looks at.
    func replayed(_ entry: ShardLogEntry, _ reply: ShardReply, _ core: ShardCore) {
        guard core.appliedIndex > applied[core.shard] ?? .zero else { return }
        look(atTimeOf: entry, core)
        guard reply.isSuccess else { return }
        note(entry, core)
        attributes.learn(from: entry, reply, core)
        for place in entry.action.touchedPlaces { attributes.learn(place.directory, core) }
    }

    /// Every entry is later than the one before, whatever the clock does (spec C.2, F-10). A start that fails reads
    /// entries that the next one reads again.
    private func look(atTimeOf entry: ShardLogEntry, _ core: ShardCore) {
        if let last = latest[core.shard] {
            guard core.appliedIndex > last.index else { return }
            if entry.time <= last.time {
                world.find("shard \(core.shard): an entry of \(entry.time) follows one of \(last.time)")
            }
        }
        latest[core.shard] = (core.appliedIndex, entry.time)
    }

    private func note(_ entry: ShardLogEntry, _ core: ShardCore) {
        switch entry.action {
        case .request(let request): note(request, core)
        case .publish(let request, _): note(request, entry, core)
        case .publishWithAttributes(let request, _, _): note(request.publication, entry, core)
        case .bringBack(let request): broughtBack(request.targetId, core)
        case .certifyRemoval(let proofs): releasedBlocks.formUnion(proofs.proofs.map(\.blockId))
        default: break
        }
    }

    private func note(_ request: PublishFileRequest, _ entry: ShardLogEntry, _ core: ShardCore) {
        // A copy of the request that comes late changes nothing.
        guard request.supersedes, superseded[request.expectedId] == nil,
            CoreReader(core).isSuperseded(request.expectedId)
        else { return }
        superseded[request.expectedId] = entry.clock
    }

    /// What comes back is what its number leads to, so that no two names of a shard have one number.
    private func broughtBack(_ file: InodeID, _ core: ShardCore) {
        let reader = CoreReader(core)
        guard file.shard == core.shard, let number = reader.version(file)?.number else { return }
        numbers[file] = number
        if let newest = reader.newestVersion(of: number), newest == file { return }
        world.find("\(file) came back with the number \(number), which does not lead to it")
    }

    private func note(_ request: AnyShardRequest, _ core: ShardCore) {
        switch request {
        case .removeSpanInitiate(let request): destroy(request.fileId)
        case .removeInode(let request):
            destroy(request.id)
            removedInodes.insert(request.id)
        case .createDirectoryInode(let request): created(request.id, core)
        case .createDirectoryInodeWithAttributes(let request): created(request.creation.id, core)
        case .removeNonOwnedEdge(let request):
            collect(request.dirId, request.name, request.creationTime)
        case .sameShardHardFileUnlink(let request):
            collect(request.ownerId, request.name, request.creationTime)
        case .removeOwnedSnapshotFileEdge(let request):
            collect(request.ownerId, request.name, request.creationTime)
        default: break
        }
    }

    private func created(_ directory: InodeID, _ core: ShardCore) {
        // A copy that comes late is answered as the first one was, and does nothing.
        let stat = AnyShardRequest.statDirectory(StatDirectoryRequest(id: directory))
        if removedInodes.contains(directory), (try? core.read(stat)) != nil {
            world.find("T5: directory \(directory) came back")
        }
    }

    /// A superseded version is destroyed only after its grace.
    private func destroy(_ file: InodeID) {
        guard let time = superseded.removeValue(forKey: file) else { return }
        if let age = age(since: time, unless: ClusterOptions.supersededGrace) {
            world.find("\(file) is destroyed \(age / 1_000_000_000) s after it was superseded")
        }
    }

    /// How long something has been so in truth, nanoseconds, if that is known and too short.
    private func age(since time: Timestamp, unless least: UInt64) -> Int64? {
        guard let clockTolerance, World.epoch &+ world.now < time.nanoseconds &+ least &- clockTolerance else {
            return nil
        }
        return Int64(bitPattern: World.epoch &+ world.now &- time.nanoseconds)
    }

    private func collect(_ directory: InodeID, _ name: [UInt8], _ time: Timestamp) {
        if let age = age(since: time, unless: ClusterOptions.minimumHistoryAge) {
            world.find("history is removed that is \(age / 1_000_000_000) s old")
        }
        collected.insert(SnapshotPlace(place: Place(directory: directory, name: name), creationTime: time))
    }

    private func look(at place: Place, _ core: ShardCore) {
        let request = AnyShardRequest.lookup(LookupRequest(dirId: place.directory, name: place.name))
        var meaning: Meaning?
        if case .lookup(let found)? = try? core.read(request) {
            meaning = Meaning(target: found.targetId, creationTime: found.creationTime)
        }
        if let problem = names.changed(place, to: meaning, at: world.now) { world.find(problem) }
    }

    /// A shard has read its state and its log again: nothing that was applied may be missing, and nothing may be other
    /// than it was (S22).
    /// - Parameter isAlone: whether it is the only replica; of several one may lack what others have.
    func restarted(_ core: ShardCore, isAlone: Bool) {
        let before = applied[core.shard] ?? .zero
        guard core.appliedIndex >= before else {
            guard isAlone else { return }
            return world.find("shard \(core.shard) had applied \(before) and came back with \(core.appliedIndex)")
        }
        compareNames(core, isSame: core.appliedIndex == before)
    }

    /// A replica leads its shard: whatever any replica has applied, it has as well.
    func leads(_ core: ShardCore) {
        let before = applied[core.shard] ?? .zero
        guard core.appliedIndex >= before else {
            return world.find("shard \(core.shard) is led with \(core.appliedIndex), and had applied \(before)")
        }
        compareNames(core, isSame: true)
    }

    private func compareNames(_ core: ShardCore, isSame: Bool) {
        applied[core.shard] = core.appliedIndex
        var present: [Place: Meaning] = [:]
        for (place, meaning) in CoreReader(core).currentEdges() { present[place] = meaning }
        for place in names.places where place.directory.shard == core.shard && present[place] == nil {
            compare(place, nil, isSame, core)
        }
        for (place, meaning) in present.sorted(by: { $0.value.creationTime < $1.value.creationTime }) {
            compare(place, meaning, isSame, core)
        }
    }

    private func compare(_ place: Place, _ meaning: Meaning?, _ isSame: Bool, _ core: ShardCore) {
        guard names.meaning(of: place) != meaning else { return }
        if isSame {
            world.find("shard \(core.shard) came back with another \(place) at the same index")
        } else if let problem = names.changed(place, to: meaning, at: world.now) {
            // Entries that were durable, and applied only now.
            world.find(problem)
        }
    }
}

extension ShardLogEntry {
    /// Of the packet that asked for it, if it says so.
    fileprivate var requestID: UInt64? { if case .request(let key)? = repetition { key.requestID } else { nil } }
}

extension ShardReply {
    /// Whether the request was carried out, now or when an earlier copy of it came.
    fileprivate var isSuccess: Bool {
        switch self {
        case .response(.executeOnce(let envelope)): envelope.kind != 0
        case .response: true
        case .refused: false
        }
    }
}

extension ShardLogEntry.Action {
    /// The names whose meaning this may change; the last one is that which it gives, if any.
    fileprivate var touchedPlaces: [Place] {
        switch self {
        case .request(let request): request.touchedPlaces
        case .publish(let request, _): [Place(directory: request.ownerId, name: request.name)]
        case .publishWithAttributes(let request, _, _):
            [Place(directory: request.publication.ownerId, name: request.publication.name)]
        case .bringBack(let request): [Place(directory: request.dirId, name: request.newName)]
        case .rename(let request): request.touchedPlaces
        default: []
        }
    }
}

extension AnyShardRequest {
    /// The names whose meaning this may change.
    fileprivate var touchedPlaces: [Place] {
        switch self {
        case .linkFile(let request): [Place(directory: request.ownerId, name: request.name)]
        case .linkFileWithSpan(let request): [Place(directory: request.ownerId, name: request.name)]
        case .linkFileIfUnchanged(let request): [Place(directory: request.ownerId, name: request.name)]
        case .softUnlinkFile(let request): [Place(directory: request.ownerId, name: request.name)]
        case .sameDirectoryRename(let request): request.touchedPlaces
        case .renameWithAttributes(let request): request.rename.touchedPlaces
        case .createLockedCurrentEdge(let request): [Place(directory: request.dirId, name: request.name)]
        case .replaceLockedDirectoryEdge(let request): [Place(directory: request.dirId, name: request.name)]
        case .lockCurrentEdge(let request): [Place(directory: request.dirId, name: request.name)]
        case .unlockCurrentEdge(let request): [Place(directory: request.dirId, name: request.name)]
        default: []
        }
    }
}

extension SameDirectoryRenameRequest {
    fileprivate var touchedPlaces: [Place] {
        [Place(directory: dirId, name: oldName), Place(directory: dirId, name: newName)]
    }
}

import Protocol
import ShardCore
import Store

/// Real shard cores over one store in memory, made as they are needed.
final class ShardSet {
    private let store = MemoryStore()
    private let rootInfo: DirectoryInfo
    private(set) var cores: [ShardID: ShardCore] = [:]
    /// The wall clock of all shards; grows with every entry.
    private var clock: UInt64 = 1_700_000_000_000_000_000
    /// What each applied write was, for failure messages.
    private(set) var writes = 0

    init(rootInfo: DirectoryInfo) throws {
        self.rootInfo = rootInfo
        _ = try core(ShardID(rawValue: 0))
    }

    func core(_ shard: ShardID) throws -> ShardCore {
        if let core = cores[shard] { return core }
        let core = try ShardCore(store: store, shard: shard)
        let genesis = ShardGenesis(cookieKey: SecretKey(low: 1, high: UInt64(shard.rawValue)), rootInfo: rootInfo)
        _ = try core.apply(core.prepareGenesis(genesis, at: now()), at: LogIndex(rawValue: 1))
        cores[shard] = core
        return core
    }

    func now() -> Timestamp {
        clock += 1_000
        return Timestamp(nanoseconds: clock)
    }

    /// Every record of every shard but those that say how many entries were applied.
    func namespace() throws -> [[UInt8]] {
        try records { $0[1...] != [1, 2] }
    }

    /// Of each shard, how many answers it remembers for the coordinator.
    func rememberedReplies() throws -> [Int] {
        let shards = try records { $0[1] == 8 && $0.count == 10 }
        return cores.keys.map { shard in shards.count { $0.first == shard.rawValue && $0.count == 10 && $0[1] == 8 } }
    }

    private func records(_ isWanted: ([UInt8]) -> Bool) throws -> [[UInt8]] {
        let iterator = store.iterator(from: [], upTo: nil)
        iterator.seekToFirst()
        var records: [[UInt8]] = []
        while iterator.isValid {
            if isWanted(iterator.key) { records += [iterator.key, iterator.value] }
            iterator.next()
        }
        try iterator.checkStatus()
        return records
    }

    /// Moves all shards' clocks forward.
    func wait(nanoseconds: UInt64) { clock += nanoseconds }

    /// Carries out one request at once, as a shard does that has received it.
    func perform(
        _ request: AnyShardRequest, at shard: ShardID, isPrivileged: Bool = false
    ) throws -> Result<AnyShardResponse, ProtocolError> {
        let core = try core(shard)
        do {
            if request.kind.isReadOnly { return .success(try core.read(request)) }
            let entry = try core.prepare(request, isPrivileged: isPrivileged, at: now())
            writes += 1
            switch try core.apply(entry, at: core.appliedIndex.next) {
            case .response(let response): return .success(response)
            case .refused(let error): return .failure(error)
            }
        } catch ShardFailure.refused(let error) {
            return .failure(error)
        }
    }
}

/// What a client does by itself, without the coordinator.
extension ShardSet {
    /// Makes an empty file and links it; nil when it was refused.
    func makeFile(_ name: [UInt8], in directory: InodeID) throws -> (id: InodeID, time: Timestamp)? {
        let construct = AnyShardRequest.constructFile(ConstructFileRequest(type: .file, note: name))
        guard case .success(.constructFile(let made)) = try perform(construct, at: directory.shard) else { return nil }
        let link = AnyShardRequest.linkFile(
            LinkFileRequest(fileId: made.id, cookie: made.cookie, ownerId: directory, name: name))
        guard case .success(.linkFile(let linked)) = try perform(link, at: directory.shard) else { return nil }
        return (made.id, linked.creationTime)
    }

    func lookup(_ name: [UInt8], in directory: InodeID) throws -> Result<LookupResponse, ProtocolError> {
        switch try perform(.lookup(LookupRequest(dirId: directory, name: name)), at: directory.shard) {
        case .success(.lookup(let response)): .success(response)
        case .success: .failure(.malformedResponse)
        case .failure(let error): .failure(error)
        }
    }

    func rename(
        _ edge: LookupResponse, _ oldName: [UInt8], to newName: [UInt8], in directory: InodeID
    ) throws -> Result<AnyShardResponse, ProtocolError> {
        try perform(
            .sameDirectoryRename(
                SameDirectoryRenameRequest(
                    targetId: edge.targetId, dirId: directory, oldName: oldName, oldCreationTime: edge.creationTime,
                    newName: newName)), at: directory.shard)
    }

    func unlink(
        _ edge: LookupResponse, _ name: [UInt8], in directory: InodeID
    ) throws -> Result<AnyShardResponse, ProtocolError> {
        try perform(
            .softUnlinkFile(
                SoftUnlinkFileRequest(
                    ownerId: directory, fileId: edge.targetId, name: name, creationTime: edge.creationTime)),
            at: directory.shard)
    }

    func attributes(_ inode: InodeID) throws -> StatAttributesResponse {
        let request = AnyShardRequest.statAttributes(StatAttributesRequest(id: inode, newest: false))
        guard case .statAttributes(let found) = try core(inode.shard).read(request) else {
            throw ProtocolError.malformedResponse
        }
        return found
    }

    func stat(_ directory: InodeID) throws -> Result<StatDirectoryResponse, ProtocolError> {
        switch try perform(.statDirectory(StatDirectoryRequest(id: directory)), at: directory.shard) {
        case .success(.statDirectory(let response)): .success(response)
        case .success: .failure(.malformedResponse)
        case .failure(let error): .failure(error)
        }
    }

    /// The whole history of a directory, oldest first, then what is there now.
    func edges(of directory: InodeID) throws -> [Edge] {
        var edges: [Edge] = []
        var request = FullReadDirRequest(
            dirId: directory, flags: [], startName: [], startTime: .zero, limit: 0, mtu: 8972)
        while case .success(.fullReadDir(let page)) = try perform(.fullReadDir(request), at: directory.shard) {
            edges += page.results
            if page.next.startName.isEmpty { break }
            request.flags = page.next.current ? .current : []
            request.startName = page.next.startName
            request.startTime = page.next.startTime
        }
        return edges
    }
}

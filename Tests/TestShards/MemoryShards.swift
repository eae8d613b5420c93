import Protocol
import ShardCore
import Store

/// Real shard cores over one store in memory, made as they are needed. What is asked for is carried out at once.
package final class MemoryShards {
    package struct Options {
        package var rootInfo: DirectoryInfo
        package var transientLifetimeNanoseconds = ShardCore.defaultTransientLifetimeNanoseconds
        package var blockServices = BlockServiceTable()
        /// How far the clock goes on with each entry.
        package var stepNanoseconds: UInt64 = 1_000
        /// Whether `log` is kept.
        package var keepsLog = false

        package init(rootInfo: DirectoryInfo) { self.rootInfo = rootInfo }
    }

    package let store = MemoryStore()
    private let options: Options
    package private(set) var cores: [ShardID: ShardCore] = [:]
    /// The wall clock of all shards.
    package var nanoseconds: UInt64 = 1_700_000_000_000_000_000
    /// Writes that were prepared and became entries; without the shards' first ones.
    package private(set) var writes = 0
    /// Every entry in order, if it is kept.
    package private(set) var log: [(shard: ShardID, index: LogIndex, bytes: [UInt8])] = []

    package init(_ options: Options) { self.options = options }

    /// With the root in its shard from the beginning.
    package convenience init(rootInfo: DirectoryInfo) throws {
        self.init(Options(rootInfo: rootInfo))
        _ = try core(InodeID.root.shard)
    }

    package func core(_ shard: ShardID) throws -> ShardCore {
        if let core = cores[shard] { return core }
        let core = try open(shard)
        let genesis = ShardGenesis(
            cookieKey: SecretKey(low: 1, high: UInt64(shard.rawValue)), rootInfo: options.rootInfo)
        _ = try apply(core.prepareGenesis(genesis, at: now()), core)
        cores[shard] = core
        return core
    }

    private func open(_ shard: ShardID) throws -> ShardCore {
        try ShardCore(
            store: store, shard: shard, transientLifetimeNanoseconds: options.transientLifetimeNanoseconds,
            blockServices: options.blockServices)
    }

    /// All shards start anew, with what is stored, and lead from now on: a request that is refused begins that.
    package func restart() throws {
        for shard in cores.keys {
            cores[shard] = try open(shard)
            let unknown = InodeID(type: .file, shard: shard, index: 0)
            _ = try perform(SetTimeRequest(id: unknown, mtime: 0, atime: 0), at: shard)
        }
    }

    private func now() -> Timestamp {
        nanoseconds += options.stepNanoseconds
        return Timestamp(nanoseconds: nanoseconds)
    }

    private func apply(_ entry: ShardLogEntry, _ core: ShardCore) throws -> ShardReply {
        let index = core.appliedIndex.next
        if options.keepsLog { log.append((core.shard, index, try entry.encoded())) }
        return try core.apply(entry, at: index)
    }

    /// Carries out one request, as a shard does that has received it.
    package func perform(
        _ request: AnyShardRequest, at shard: ShardID, isPrivileged: Bool = false, requestID: UInt64? = nil
    ) throws -> Result<AnyShardResponse, ProtocolError> {
        let core = try core(shard)
        do {
            if request.kind.isReadOnly { return .success(try core.read(request)) }
            let entry = try core.prepare(request, isPrivileged: isPrivileged, requestID: requestID, at: now())
            writes += 1
            switch try apply(entry, core) {
            case .response(let response): return .success(response)
            case .refused(let error): return .failure(error)
            }
        } catch ShardFailure.refused(let error) {
            return .failure(error)
        }
    }

    /// The same with the response's own type.
    package func perform<Request: ShardRPC>(
        _ request: Request, at shard: ShardID, isPrivileged: Bool = false
    ) throws -> Result<Request.Response, ProtocolError> {
        try perform(request.erased, at: shard, isPrivileged: isPrivileged).flatMap { response in
            Request.response(in: response).map { .success($0) } ?? .failure(.malformedResponse)
        }
    }
}

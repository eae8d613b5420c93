import Client
import ConsistencyCheck
import Protocol
import ShardCore
import Store

/// Three shards that answer from records in memory. A pause of the check is a moment at which the records may change.
actor FakeCluster: ClusterReading {
    private let store: MemoryStore
    private var cores: [ShardID: ShardCore] = [:]
    private let whilePausing: @Sendable (MemoryStore) throws -> Void
    /// A name that the first listing of a directory does not show, as if it had been somewhere else just then.
    private let hidden: (directory: InodeID, name: [UInt8])?
    private let lostBlock: BlockServiceID?
    private(set) var pauses = 0

    init(
        _ store: MemoryStore, hiding hidden: (directory: InodeID, name: [UInt8])? = nil, losing: BlockServiceID? = nil,
        whilePausing: @escaping @Sendable (MemoryStore) throws -> Void = { _ in }
    ) throws {
        self.store = store
        self.hidden = hidden
        lostBlock = losing
        self.whilePausing = whilePausing
        cores = try Self.open(store)
    }

    private static func open(_ store: MemoryStore) throws -> [ShardID: ShardCore] {
        var cores: [ShardID: ShardCore] = [:]
        for shard in CheckedShards.shards {
            cores[shard] = try ShardCore(store: store, shard: shard, blockServices: CheckedDisks.table)
        }
        return cores
    }

    func call<R: ShardRPC>(_ request: R, shard: ShardID) async throws(ClientError) -> R.Response {
        guard let core = cores[shard] else { throw ClientError(.unavailable, "\(R.kind)") }
        var response: AnyShardResponse
        do throws(ShardFailure) {
            response = try core.read(request.erased)
        } catch {
            guard case .refused(let code) = error else { throw ClientError(.refused(.internalError), "\(R.kind)") }
            throw ClientError(.refused(code), "\(R.kind)")
        }
        if pauses == 0, let hidden, case .fullReadDir(let asked) = request.erased, asked.dirId == hidden.directory,
            case .fullReadDir(var page) = response
        {
            page.results.removeAll { $0.name == hidden.name }
            response = .fullReadDir(page)
        }
        guard let typed = R.response(in: response) else { throw ClientError(.malformedAnswer, "\(R.kind)") }
        return typed
    }

    func supports(_ extension: ProtocolExtension) -> Bool { true }

    func check(
        _ block: BlockID, size: UInt32, crc: CRC32C, at service: BlockService
    ) async throws(ClientError) {
        if service.id == lostBlock { throw ClientError(.refused(.blockNotFound), "CHECK_BLOCK") }
    }

    func pause(nanoseconds: UInt64) async {
        // Short pauses let one directory settle; nothing happens in them here.
        guard nanoseconds == Self.pauseNanoseconds else { return }
        pauses += 1
        do {
            try whilePausing(store)
            cores = try Self.open(store)
        } catch {
            cores = [:]
        }
    }

    static let pauseNanoseconds: UInt64 = 5_000_000_000
}

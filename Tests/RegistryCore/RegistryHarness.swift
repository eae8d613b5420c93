import Protocol
import RegistryCore
import Store
import Testing

/// A registry with a clock of its own, checked after every entry.
final class RegistryHarness {
    static let second: UInt64 = 1_000_000_000
    static let minute = 60 * second

    let store: MemoryStore
    private(set) var core: RegistryCore
    /// Every entry so far, in log order.
    private(set) var entries: [[UInt8]] = []
    var now = Timestamp(nanoseconds: 1_700_000_000 * second)

    init(_ configuration: RegistryConfiguration = RegistryConfiguration()) throws {
        store = MemoryStore()
        core = try RegistryCore(store: store, prefix: [7], configuration: configuration)
    }

    func advance(seconds: UInt64) { now = Timestamp(nanoseconds: now.nanoseconds + seconds * Self.second) }

    /// Prepares and applies; the answer is the first refusal or the last reply.
    @discardableResult
    func write(_ request: AnyRegistryRequest) throws -> RegistryCore.Reply {
        let prepared: [[UInt8]]
        do throws(ProtocolError) {
            prepared = try core.prepare(request, at: now)
        } catch {
            return .failure(error)
        }
        let replies = try prepared.map { try apply($0) }
        return replies.first { if case .failure = $0 { true } else { false } } ?? replies[replies.count - 1]
    }

    @discardableResult
    func apply(_ entry: [UInt8]) throws -> RegistryCore.Reply {
        entries.append(entry)
        let reply = try core.apply(entry, at: LogIndex(rawValue: UInt64(entries.count)))
        check()
        return reply
    }

    func check() { core.checkInvariants { Issue.record("\($0)") } }

    func read(_ request: AnyRegistryRequest) throws(ProtocolError) -> AnyRegistryResponse {
        let response = try core.read(request, at: now)
        check()
        return response
    }

    /// What `write` refused with, or nil.
    func refusal(_ request: AnyRegistryRequest) throws -> ProtocolError? {
        if case .failure(let error) = try write(request) { error } else { nil }
    }

    func restart(_ configuration: RegistryConfiguration = RegistryConfiguration()) throws {
        core = try RegistryCore(store: store, prefix: [7], configuration: configuration)
    }

    /// What a leader does every ten seconds.
    func tick() throws {
        if let entry = try core.prepareStalenessTick(at: now) { try apply(entry) }
        core.refreshAssignment(at: now)
        check()
    }

    // MARK: Reading

    func blockServices() throws -> [BlockServiceDeprecatedInfo] {
        guard
            case .allBlockServicesDeprecated(let response) = try read(
                .allBlockServicesDeprecated(AllBlockServicesDeprecatedRequest()))
        else { throw UnexpectedAnswer() }
        return response.blockServices
    }

    func blockService(_ id: UInt64) throws -> BlockServiceDeprecatedInfo {
        try #require(try blockServices().first { $0.id.rawValue == id })
    }

    func writable(shard: UInt8) throws -> [BlockServiceInfoShort] {
        guard
            case .shardBlockServices(let response) = try read(
                .shardBlockServices(ShardBlockServicesRequest(shardId: ShardID(rawValue: shard))))
        else { throw UnexpectedAnswer() }
        return response.blockServices
    }

    func changed(since: Timestamp) throws -> LocalChangedBlockServicesResponse {
        guard
            case .localChangedBlockServices(let response) = try read(
                .localChangedBlockServices(LocalChangedBlockServicesRequest(changedSince: since)))
        else { throw UnexpectedAnswer() }
        return response
    }

    func localShards() throws -> [ShardInfo] {
        guard case .localShards(let response) = try read(.localShards(LocalShardsRequest())) else {
            throw UnexpectedAnswer()
        }
        return response.shards
    }

    func allShards() throws -> [FullShardInfo] {
        guard case .allShards(let response) = try read(.allShards(AllShardsRequest())) else {
            throw UnexpectedAnswer()
        }
        return response.shards
    }
}

/// A read was answered with another message's response.
struct UnexpectedAnswer: Error {}

import CoordinatorCore
import Protocol
import ShardCore
import Store
import TestShards

/// Real cores, the coordinator and the shards it needs, in one thread: every message arrives at once, every log entry
/// is durable at once.
final class RealNamespace {
    static let transientLifetimeNanoseconds: UInt64 = 3_600_000_000_000

    private let memory: MemoryShards
    var shards: [ShardID: ShardCore] { memory.cores }
    let coordinator: Coordinator
    private var monotonic: UInt64 = 1
    private var logged: UInt64 = 0
    private var nextRequest: UInt64 = 1
    private var directoriesMade = 0
    /// Makes answers about attributes wrong on purpose.
    var distortion: (inout StatAttributesResponse) -> Void = { _ in }
    /// What the coordinator complained of.
    private(set) var alarms: [String] = []

    enum Failure: Error { case neverIdle, noAnswer }

    init() throws {
        let rootInfo = try DirectoryInfo.sternaRootDefault()
        var shards = MemoryShards.Options(rootInfo: rootInfo)
        shards.transientLifetimeNanoseconds = Self.transientLifetimeNanoseconds
        memory = MemoryShards(shards)
        var options = CoordinatorOptions(defaultInfo: rootInfo)
        options.directoryReservation = 256
        coordinator = try Coordinator(store: MemoryStore(), prefix: [1], options: options)
        try coordinator.lead(firstRequestID: 1 << 40, now: monotonic)
        _ = try memory.core(InodeID.root.shard)
        try settle()
    }

    /// Lets transient files in use expire, after all shards have started anew: while they are away nothing expires.
    func wait() throws {
        try memory.restart()
        memory.nanoseconds += 2 * Self.transientLifetimeNanoseconds
    }

    // MARK: Shards

    /// What a shard answers, also to the coordinator.
    func ask(
        _ request: AnyShardRequest, at id: ShardID, isPrivileged: Bool = false
    ) throws -> Result<AnyShardResponse, ProtocolError> {
        try memory.perform(request, at: id, isPrivileged: isPrivileged)
    }

    /// The same with the response's own type.
    func ask<Request: ShardRPC>(
        _ request: Request, at id: ShardID, isPrivileged: Bool = false
    ) throws -> Result<Request.Response, ProtocolError> {
        try memory.perform(request, at: id, isPrivileged: isPrivileged)
    }

    // MARK: Coordinator

    /// What the coordinator answers, with nothing left under way.
    func ask(_ request: AnyCdcRequest) throws -> Result<AnyCdcResponse, ProtocolError> {
        nextRequest += 1
        let origin = RequestOrigin(source: 1, requestID: nextRequest)
        try coordinator.receive(request, from: origin, now: monotonic)
        let replies = try settle()
        guard let reply = replies.first(where: { $0.origin == origin }) else { throw Failure.noAnswer }
        switch reply.result {
        case .success(.makeDirectory), .success(.makeDirectoryWithAttributes): try stayOnFewShards()
        default: break
        }
        return reply.result
    }

    /// Ids of directories go round all shards. Giving some back makes them come round sooner, so that directories share
    /// shards.
    private func stayOnFewShards() throws {
        directoriesMade += 1
        guard directoriesMade % 3 == 0 else { return }
        coordinator.releaseUnusedDirectories()
        try settle()
    }

    @discardableResult
    private func settle() throws -> [ClientReply] {
        var replies: [ClientReply] = []
        for _ in 0..<10_000 {
            let outbox = coordinator.takeOutbox()
            replies += outbox.clientReplies
            alarms += outbox.alarms
            for send in outbox.shardSends {
                let answer = try ask(send.request, at: send.shard, isPrivileged: true)
                try coordinator.receive(answer, toRequest: send.requestID, now: monotonic)
            }
            let entries = try coordinator.takeEntries(now: monotonic, time: Timestamp(nanoseconds: memory.nanoseconds))
            for entry in entries {
                logged += 1
                try coordinator.committed(entry, at: LogIndex(rawValue: logged), now: monotonic)
            }
            if outbox.isEmpty && entries.isEmpty {
                if coordinator.isIdle { return replies }
                monotonic += 10_000_000
                coordinator.tick(now: monotonic)
            }
        }
        throw Failure.neverIdle
    }
}

import CoordinatorCore
import Protocol
import ShardCore
import Store
import TestShards
import TestSupport

/// A coordinator and its shards in one thread with virtual time; messages between them get lost, doubled and
/// overtaken, and the coordinator crashes when told to.
final class Cluster {
    enum Event {
        case toShard(ShardSend)
        case toCoordinator(requestID: UInt64, Result<AnyShardResponse, ProtocolError>)
        case client(RequestOrigin, AnyCdcRequest)
        case logged(LogIndex)
        case tick
        case act(() throws -> Void)
    }

    struct Faults {
        /// One in so many messages is lost, doubled; 0: none.
        var loss = 0
        var doubling = 0
        /// One in so many requests to shards has a copy that the network keeps back, up to a minute: until after its
        /// transaction, others on the same names, and crashes; 0: none.
        var lateCopies = 0
    }

    /// What becomes of the packets to shards that are in the network when the coordinator crashes.
    enum PacketsInFlight { case lost, arriveAtOnce, arriveLate }

    private struct Scheduled {
        var time: UInt64
        var order: UInt64
        var event: Event
    }

    let shards: MemoryShards
    var random: SeededGenerator
    var faults = Faults()
    private(set) var coordinator: Coordinator
    private(set) var now: UInt64 = 1
    /// Answers by origin, in the order in which they came.
    private(set) var replies: [RequestOrigin: [Result<AnyCdcResponse, ProtocolError>]] = [:]
    private(set) var alarms: [String] = []
    /// How often the request of the last `call` was sent again.
    private(set) var repetitions = 0
    /// Events carried out that the coordinator took part in.
    private(set) var coordinatorEvents = 0
    /// Called before each such event; true crashes the coordinator instead of, or right after, it.
    var crashBefore: ((Int) -> Bool)?
    var crashAfter: ((Int) -> Bool)?
    /// Of what was proposed but not reported durable, how much survives a crash.
    var survivingProposals: (Int) -> Int = { _ in 0 }
    /// Every packet that reached a shard, in order, if somebody wants to know.
    var record: [ShardSend]?
    /// Shards that nothing reaches.
    var silentShards: Set<ShardID> = []
    /// What all shards answer instead of doing anything.
    var injectedError: ProtocolError?
    /// Whether writes are answered with it in the envelope, as if they had been carried out and refused.
    var isErrorInside = false
    /// What it is answered to.
    var isRefused: (AnyShardRequest) -> Bool = { _ in true }
    /// What clients do at the shards while there is no coordinator.
    var whileDown: (() throws -> Void)?
    /// How far the coordinator's wall clock is ahead.
    var clockJumpNanoseconds: UInt64 = 0
    /// What becomes of what the coordinator had sent right before a crash.
    var packetsInFlight = PacketsInFlight.arriveAtOnce

    private let options: CoordinatorOptions
    /// Whether shards drop what the base protocol does not have.
    private let isBaseProtocolOnly: Bool
    private let state = MemoryStore(writeAheadLog: false)
    private var log: [[UInt8]] = []
    private var durable = 0
    private var queue: [Scheduled] = []
    private var order: UInt64 = 0
    private var nextOrigin: UInt64 = 0

    init(
        seed: UInt64, reservation: Int = 4, sequenceReservation: UInt64 = 1 << 32, sequenceSpan: Int = 8192,
        isBaseProtocolOnly: Bool = false, transactions: Int = 16_384, transactionsPerShard: Int = 2_048,
        transactionsPerHost: Int = 8_192, anybodyMayCloseNumbers: Bool = false
    ) throws {
        random = SeededGenerator(seed: seed)
        let info = try DirectoryInfo.sternaRootDefault()
        var options = CoordinatorOptions(defaultInfo: info)
        options.directoryReservation = reservation
        options.sequenceReservation = sequenceReservation
        options.maximumOpenSequences = sequenceSpan
        options.maximumTransactions = transactions
        options.maximumTransactionsPerShard = transactionsPerShard
        options.maximumTransactionsPerHost = transactionsPerHost
        options.anybodyMayCloseNumbers = anybodyMayCloseNumbers
        self.options = options
        self.isBaseProtocolOnly = isBaseProtocolOnly
        shards = try MemoryShards(rootInfo: info)
        coordinator = try Coordinator(store: state, prefix: [1], options: options)
        try lead()
    }

    /// A second coordinator, started on a copy of the first one's log, at the same shards.
    init(copyOf other: Cluster, seed: UInt64) throws {
        random = SeededGenerator(seed: seed)
        options = other.options
        isBaseProtocolOnly = other.isBaseProtocolOnly
        shards = other.shards
        now = other.now
        // Its clients are others, whose answers nobody remembers.
        nextOrigin = other.nextOrigin
        log = Array(other.log.prefix(other.durable))
        durable = other.durable
        coordinator = try Coordinator(store: state, prefix: [1], options: options)
        try replayLog()
        try lead()
    }

    private func replayLog() throws {
        for (number, entry) in log.enumerated().dropFirst(Int(coordinator.appliedIndex.rawValue)) {
            try coordinator.replay(entry, at: LogIndex(rawValue: UInt64(number + 1)))
        }
    }

    private func lead() throws {
        try coordinator.lead(firstRequestID: random.next(), now: now, numbersRequests: !isBaseProtocolOnly)
        try drain()
    }

    // MARK: Clients

    /// Sends a request of a new client; `after` nanoseconds from now.
    @discardableResult
    func submit(_ request: AnyCdcRequest, after: UInt64 = 0) -> RequestOrigin {
        nextOrigin += 1
        let origin = RequestOrigin(source: nextOrigin, requestID: 1)
        schedule(.client(origin, request), after: after)
        return origin
    }

    /// Sends a request that may be a repetition.
    func repeatRequest(_ request: AnyCdcRequest, from origin: RequestOrigin, after: UInt64 = 0) {
        schedule(.client(origin, request), after: after)
    }

    /// Does something at the shards, as a client without the coordinator would.
    func act(after: UInt64, _ body: @escaping () throws -> Void) { schedule(.act(body), after: after) }

    /// Sends a request, waits until nothing is under way, and returns the answer, repeating it as a client does while
    /// a crash swallows it.
    func call(_ request: AnyCdcRequest) throws -> Result<AnyCdcResponse, ProtocolError> {
        let origin = submit(request)
        for attempt in 0..<100 {
            repetitions = attempt
            try settle()
            if let reply = replies[origin]?.first { return reply }
            repeatRequest(request, from: origin)
        }
        throw HarnessError.noAnswer
    }

    // MARK: Running

    enum HarnessError: Error { case noAnswer, neverIdle }

    /// Runs until nothing is under way and nothing is in the network.
    func settle() throws {
        for _ in 0..<200_000 {
            if queue.isEmpty && coordinator.isIdle { return }
            try step()
        }
        throw HarnessError.neverIdle
    }

    func step() throws {
        if queue.isEmpty { schedule(.tick, after: 5_000_000) }
        let index = queue.indices.min { (queue[$0].time, queue[$0].order) < (queue[$1].time, queue[$1].order) } ?? 0
        let next = queue.remove(at: index)
        now = max(now, next.time)
        switch next.event {
        case .toShard(let send): try deliver(send)
        case .act(let body): try body()
        default: try coordinatorEvent(next.event)
        }
    }

    private func coordinatorEvent(_ event: Event) throws {
        coordinatorEvents += 1
        if crashBefore?(coordinatorEvents) == true { return try crash() }
        switch event {
        case .toCoordinator(let requestID, let answer):
            try coordinator.receive(answer, toRequest: requestID, now: now)
        case .client(let origin, let request):
            try coordinator.receive(request, from: origin, now: now)
        case .logged(let index):
            durable = Int(index.rawValue)
            try coordinator.committed(log[durable - 1], at: index, now: now)
        case .tick:
            coordinator.tick(now: now)
        case .toShard, .act:
            break
        }
        let isLast = crashAfter?(coordinatorEvents) == true
        if !isLast || packetsInFlight != .lost { try drain() }
        if isLast { try crash() }
    }

    /// Lets out what the coordinator wants done.
    private func drain() throws {
        let outbox = coordinator.takeOutbox()
        for send in outbox.shardSends {
            if case .executeOnce(let envelope) = send.request, envelope.sequence > coordinator.reservedSequences {
                alarms.append("number \(envelope.sequence) was used before it was reserved")
            }
            post(.toShard(send))
        }
        for reply in outbox.clientReplies { replies[reply.origin, default: []].append(reply.result) }
        alarms += outbox.alarms
        let time = Timestamp(nanoseconds: now + clockJumpNanoseconds)
        for entry in try coordinator.takeEntries(now: now, time: time) {
            log.append(entry)
            schedule(.logged(LogIndex(rawValue: UInt64(log.count))), after: 200_000)
        }
        if coordinator.needsTicks && !queue.contains(where: { if case .tick = $0.event { true } else { false } }) {
            schedule(.tick, after: 5_000_000)
        }
    }

    private func deliver(_ send: ShardSend) throws {
        if silentShards.contains(send.shard) { return }
        record?.append(send)
        if isBaseProtocolOnly, Self.isExtension(send.request) { return }
        if let injectedError, isRefused(send.request) { return try refuse(send, injectedError) }
        let answer = try shards.perform(send.request, at: send.shard, isPrivileged: true)
        post(.toCoordinator(requestID: send.requestID, answer))
    }

    static func isExtension(_ request: AnyShardRequest) -> Bool {
        switch request {
        case .executeOnce, .closeSequences, .replaceLockedDirectoryEdge, .createDirectoryInodeWithAttributes: true
        default: false
        }
    }

    private func refuse(_ send: ShardSend, _ error: ProtocolError) throws {
        var answer = Result<AnyShardResponse, ProtocolError>.failure(error)
        if isErrorInside, case .executeOnce = send.request {
            answer = .success(.executeOnce(ExecuteOnceResponse(kind: 0, body: try error.encoded())))
        }
        post(.toCoordinator(requestID: send.requestID, answer))
    }

    /// Through the network: late, lost, doubled, and much later again.
    private func post(_ event: Event) {
        if case .toShard = event, faults.lateCopies > 0, random.oneIn(faults.lateCopies) {
            schedule(event, after: lateness())
        }
        if faults.loss > 0 && random.oneIn(faults.loss) { return }
        schedule(event, after: UInt64.random(in: 20_000...2_000_000, using: &random))
        if case .toCoordinator = event, faults.doubling > 0, random.oneIn(faults.doubling) {
            schedule(event, after: UInt64.random(in: 20_000...200_000_000, using: &random))
        }
    }

    /// From a millisecond to a minute, each magnitude as often as the others.
    private func lateness() -> UInt64 {
        1_000_000 << UInt64.random(in: 0...16, using: &random)
    }

    private func schedule(_ event: Event, after: UInt64) {
        order += 1
        queue.append(Scheduled(time: now + after, order: order, event: event))
    }

    // MARK: Crashing

    private func crash() throws {
        try losePackets()
        try whileDown?()
        log.removeLast(log.count - durable - min(survivingProposals(log.count - durable), log.count - durable))
        durable = log.count
        state.crash(surviving: Int.random(in: 0...state.unsyncedBatchCount, using: &random))
        now += 100_000_000
        coordinator = try Coordinator(store: state, prefix: [1], options: options)
        try replayLog()
        try lead()
    }

    /// What is on its way to the coordinator does not arrive; what is on its way to shards as `packetsInFlight` says,
    /// with late copies any time.
    private func losePackets() throws {
        let inFlight = queue.sorted { ($0.time, $0.order) < ($1.time, $1.order) }
        queue = []
        for scheduled in inFlight {
            switch scheduled.event {
            case .client, .act: queue.append(scheduled)
            case .toShard(let send):
                let staysAway = faults.lateCopies > 0 && random.oneIn(2)
                if staysAway {
                    queue.append(scheduled)
                } else if packetsInFlight == .arriveLate {
                    schedule(scheduled.event, after: 10_000_000_000)
                } else if packetsInFlight == .arriveAtOnce && !silentShards.contains(send.shard) {
                    _ = try shards.perform(send.request, at: send.shard, isPrivileged: true)
                }
            default: break
            }
        }
    }

    /// Crashes the coordinator now.
    func crashNow() throws { try crash() }
}

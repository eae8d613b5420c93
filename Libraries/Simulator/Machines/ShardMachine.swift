import DequeModule
import Protocol
import ReplicatedLog
import ShardCore

/// A shard process: real shard cores behind simulated sockets, as `Services/shard` has them behind real ones.
final class ShardMachine: Machine {
    /// Who waits for an answer.
    private struct Target: Hashable {
        let requestID: UInt64
        let sender: Endpoint
        let isSigned: Bool
    }

    private struct PendingWrite {
        let index: LogIndex
        let entry: ShardLogEntry
        let target: Target?
    }

    /// One shard of the process.
    private final class Slot {
        let core: ShardCore
        let log: HostedLog
        var pending = Deque<PendingWrite>()
        var inFlight: Set<Target> = []

        init(_ core: ShardCore, _ log: HostedLog) {
            self.core = core
            self.log = log
        }
    }

    let number: Int
    private let options: ClusterOptions
    private let watch: ShardWatch
    private var slots: [ShardID: Slot] = [:]
    private var log: ProcessLog?
    /// Shards that anybody ever asked for. All 256 exist in a real process from the start; here they are made when the
    /// first request for them comes.
    private var known: [ShardID] = []
    /// What the registry said last; kept on the disk as the service does.
    private var services = BlockServiceTable()
    private var nextRegistryID: UInt64 = 1
    private var clockQuestion: (id: UInt64, sent: UInt64)?

    init(
        _ number: Int, _ world: World, _ network: Network, _ options: ClusterOptions, watch: ShardWatch
    ) {
        self.number = number
        self.options = options
        self.watch = watch
        super.init(.shards(number), world, network)
    }

    private var hosted: [ShardID] {
        (0...UInt8.max).filter { Int($0) % options.shardMachines == number }.map(ShardID.init(rawValue:))
    }

    /// The cores that are in use now, by shard.
    var cores: [ShardCore] { known.compactMap { slots[$0]?.core } }

    override func boot() throws {
        var cores: [LogGroupID: ShardCore] = [:]
        for shard in known { cores[group(shard)] = try makeCore(shard) }
        let store = try logStore(options.log, mustExist: cores.values.contains { $0.appliedIndex > .zero })
        _ = try store.replay(after: cores.mapValues(\.appliedIndex)) { group, index, bytes in
            guard let core = cores[group] else { return }
            let entry = try ShardLogEntry(decoding: bytes)
            watch.replayed(entry, try core.apply(entry, at: index), core)
        }
        log = try ProcessLog(self, store, options.log)
        for shard in known {
            guard let core = cores[group(shard)] else { continue }
            watch.restarted(core)
            open(core)
        }
        for shard in hosted { attach(shard) }
        network.attach(.shardProcess(number), of: id) { [unowned self] message, _ in learn(message) }
        askRegistry()
        every(20_000_000_000...40_000_000_000) { [unowned self] in askRegistry() }
        every(options.flushPause) { [unowned self] in flush() }
    }

    override func halt() {
        log?.end()
        log = nil
        slots = [:]
        network.detach(.shardProcess(number))
        for shard in hosted { network.detach(.shard(shard)) }
    }

    private func group(_ shard: ShardID) -> LogGroupID { LogGroupID(rawValue: UInt32(shard.rawValue)) }

    private func makeCore(_ shard: ShardID) throws -> ShardCore {
        try ShardCore(
            store: disk.state, shard: shard, transientLifetimeNanoseconds: options.transientLifetime,
            minimumHistoryAgeNanoseconds: ClusterOptions.minimumHistoryAge,
            supersededGraceNanoseconds: ClusterOptions.supersededGrace, blockServices: services,
            ownershipLimit: options.ownershipLimit)
    }

    private func attach(_ shard: ShardID) {
        network.attach(.shard(shard), of: id) { [unowned self] message, sender in receive(message, sender, shard) }
    }

    private func open(_ core: ShardCore) {
        guard let log else { return }
        let shard = core.shard
        let hosted = log.open(group(shard), delivered: core.appliedIndex, options.log.limits) { [unowned self] entry in
            if let slot = slots[shard] { deliver(entry, slot) }
        }
        let slot = Slot(core, hosted)
        slots[shard] = slot
        begin(slot)
    }

    /// Makes the shard's first entry, unless there is one or one is under way.
    private func begin(_ slot: Slot) {
        guard !slot.core.isInitialised, slot.pending.isEmpty else { return }
        let genesis = ShardGenesis(
            cookieKey: SecretKey(low: world.random.next(), high: world.random.next()), rootInfo: options.rootInfo)
        propose(slot.core.prepareGenesis(genesis, at: wallClock), nil, slot)
    }

    // MARK: Requests

    private func receive(_ message: Message, _ sender: Endpoint, _ shard: ShardID) {
        guard case .shardRequest(let request) = message.body else { return }
        guard let slot = slots[shard] else {
            known.append(shard)
            do { open(try makeCore(shard)) } catch { fail(error) }
            return
        }
        // A service tells nobody its address before its first entry is durable.
        guard slot.core.isInitialised else { return begin(slot) }
        guard message.isSigned || !request.kind.isPrivileged else { return }
        let target = Target(requestID: message.id, sender: sender, isSigned: message.isSigned)
        if request.kind.isReadOnly {
            read(request, target, slot)
        } else {
            write(request, target, slot)
        }
    }

    private func read(_ request: AnyShardRequest, _ target: Target, _ slot: Slot) {
        do throws(ShardFailure) {
            answer(.success(try slot.core.read(request)), target, slot)
        } catch {
            refuse(error, target, slot)
        }
    }

    private func write(_ request: AnyShardRequest, _ target: Target, _ slot: Slot) {
        guard !slot.inFlight.contains(target) else { return }
        guard let time = options.comparesClocks ? comparedClock : wallClock else { return }
        do throws(ShardFailure) {
            let entry = try slot.core.prepare(
                request, isPrivileged: target.isSigned, requestID: target.requestID, at: time)
            propose(entry, target, slot)
        } catch {
            refuse(error, target, slot)
        }
    }

    private func propose(_ entry: ShardLogEntry, _ target: Target?, _ slot: Slot) {
        do {
            let index = try slot.log.propose(try entry.encoded())
            slot.pending.append(PendingWrite(index: index, entry: entry, target: target))
            if let target { slot.inFlight.insert(target) }
        } catch is ProposalRefusal {
            // Silence: the client tries again.
        } catch {
            if let target { answer(.failure(.internalError), target, slot) }
        }
    }

    private func deliver(_ delivered: LogEntry, _ slot: Slot) {
        do throws(ShardStateError) {
            guard let write = slot.pending.first, write.index == delivered.index else {
                throw .wrongIndex(expected: slot.pending.first?.index ?? .zero, got: delivered.index)
            }
            slot.pending.removeFirst()
            let reply = try slot.core.apply(write.entry, at: delivered.index)
            watch.applied(write.entry, reply, slot.core, requestID: write.target?.requestID)
            guard let target = write.target else { return }
            slot.inFlight.remove(target)
            switch reply {
            case .response(let response): answer(.success(response), target, slot)
            case .refused(let error): answer(.failure(error), target, slot)
            }
        } catch {
            fail(error)
        }
    }

    private func refuse(_ failure: ShardFailure, _ target: Target, _ slot: Slot) {
        switch failure {
        case .refused(let code): answer(.failure(code), target, slot)
        case .undecodable: break
        case .state(let error): fail(error)
        }
    }

    private func answer(_ result: Result<AnyShardResponse, ProtocolError>, _ target: Target, _ slot: Slot) {
        network.send(
            Message(id: target.requestID, isSigned: target.isSigned, body: .shardAnswer(result)),
            from: .shard(slot.core.shard), to: target.sender)
    }

    // MARK: Housekeeping

    /// Flushes the state and lets go of the log that it replaces.
    override func flush() {
        let applied = Dictionary(uniqueKeysWithValues: slots.map { (group($0.key), $0.value.core.appliedIndex) })
        do {
            try disk.flush()
            log?.trim(through: applied)
        } catch {
            // A full disk: the log keeps growing until there is room again.
        }
    }

    private func askRegistry() {
        nextRegistryID += 3
        let all = AnyRegistryRequest.allBlockServicesDeprecated(AllBlockServicesDeprecatedRequest())
        let assigned = AnyRegistryRequest.shardBlockServices(
            ShardBlockServicesRequest(shardId: ShardID(rawValue: UInt8(number))))
        clockQuestion = (nextRegistryID + 2, world.now)
        for (offset, request) in [all, assigned, .clock(ClockRequest())].enumerated() {
            network.send(
                Message(id: nextRegistryID + UInt64(offset), body: .registryRequest(request)),
                from: .shardProcess(number), to: .registry)
        }
    }

    private func learn(_ message: Message) {
        guard case .registryAnswer(.success(let response)) = message.body else { return }
        switch response {
        case .allBlockServicesDeprecated(let all):
            services.update(all.blockServices.lazy.map(BlockServiceTable.Service.init))
        case .shardBlockServices(let assigned):
            services.assigned = assigned.blockServices
        case .clock(let clock):
            if let question = clockQuestion, question.id == message.id { learnClock(clock.time, sent: question.sent) }
            return
        default: return
        }
        for slot in slots.values {
            slot.core.blockServices = services.assigning(
                services.assigned.filter { services.services[$0.id] != nil })
        }
    }
}

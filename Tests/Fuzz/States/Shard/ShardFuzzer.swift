import Protocol
import ShardCore
import Store

/// A shard between its socket and its store, and a second replica behind it, driven by a script.
///
/// The first byte decides who is at the other end. Odd: clients, and a coordinator that behaves, of whose packets copies
/// come at any later time; then all of S1–S22 must hold. Even: anybody with the coordinator's key, whose requests the
/// shard carries out as it is told; then S6, S11 and S12, which rest on the order of the coordinator's steps, need not.
final class ShardFuzzer {
    static let shard = ShardID(rawValue: 0)
    private static let instructions = 150

    struct Proposal {
        var request: AnyShardRequest?
        var entry: [UInt8]
    }

    let isCoordinatorHonest: Bool
    let key = MACKey(low: 7, high: 8)
    let store = RecordingStore()
    private let replicaStore = RecordingStore()
    private(set) var core: ShardCore
    private let replica: ShardCore
    /// Everything that is in the log, and what is on its way there.
    var log: [[UInt8]] = []
    var proposals: [Proposal] = []
    var isHolding = false
    /// Wall clock, nanoseconds.
    var now: UInt64 = 1_700_000_000_000_000_000
    private var services = FuzzServices.table
    var known = KnownValues()
    var sent: [[UInt8]] = []
    /// The last number that the coordinator gave to a request.
    var sequence: UInt64 = 0
    private var observer = ShardObserver()

    init(_ script: inout FuzzScript) throws {
        isCoordinatorHonest = script.byte() & 1 == 1
        core = try ShardCore(
            store: store, shard: Self.shard, transientLifetimeNanoseconds: 3_600_000_000_000, blockServices: services)
        // Nothing that may differ between replicas is alike: no block services, no room for a cache.
        replica = try ShardCore(
            store: replicaStore, shard: Self.shard, location: LocationID(rawValue: 3),
            cacheBudget: ShardCacheBudget(limitBytes: 1))
        let genesis = ShardGenesis(
            cookieKey: SecretKey(low: 0x0123_4567_89ab_cdef, high: 0xfedc_ba98_7654_3210),
            rootInfo: try .sternaRootDefault())
        proposals.append(Proposal(entry: try core.prepareGenesis(genesis, at: Timestamp(nanoseconds: now)).encoded()))
        try deliverAll()
    }

    func run(_ script: inout FuzzScript) throws {
        for _ in 0..<Self.instructions {
            if script.isAtEnd { break }
            try step(&script)
        }
        try deliverAll()
        try checkAll()
        try damagedEntry(&script)
    }

    private func step(_ script: inout FuzzScript) throws {
        now += 1_000_000
        let instruction = script.byte()
        let isOther = instruction >= 0x80
        switch instruction & 0x7F {
        case let row where Int(row) < ShardTemplates.rows.count:
            let (kind, fields) = ShardTemplates.rows[Int(row)]
            let body = try ShardRequestWriter.body(fields, known, Self.shard, now: now, &script)
            try send(kind.rawValue, body, signed: kind.isPrivileged != isOther)
        case 0x60:
            let kind = ShardTemplates.kinds[Int(script.byte()) % ShardTemplates.kinds.count]
            let body = try ShardRequestWriter.arbitraryBody(known, Self.shard, now: now, &script)
            try send(kind.rawValue, body, signed: isOther)
        case 0x61: try send(script.byte(), script.counted(), signed: isOther)
        case 0x62: try receive(script.counted())
        case 0x63: try resend(damaged: isOther, &script)
        case 0x64: isHolding = !isHolding
        case 0x65: try deliverAll()
        case 0x66: now.jump(script.clockChange())
        case 0x67: try restart()
        case 0x68: try crash(&script)
        case 0x69: try store.flush()
        case 0x6A: changeServices(&script)
        case 0x6B: try makeDirectory(&script)
        case 0x6C: try removeDirectory(&script)
        case 0x6D: try hardUnlinkFile(&script)
        case 0x6E: try checkAll()
        case 0x6F: try executeOnce(&script)
        default: break
        }
    }

    // MARK: The log

    /// Everything proposed becomes durable and is applied here and at the other replica. Returns the last answer.
    @discardableResult
    func deliverAll() throws -> ShardReply? {
        var last: ShardReply?
        for proposal in proposals {
            log.append(proposal.entry)
            let reply = try apply(proposal.entry)
            if case .response(let response) = reply, let request = proposal.request {
                known.learn(response, to: request)
            }
            last = reply
        }
        proposals = []
        return last
    }

    private func apply(_ entry: [UInt8]) throws -> ShardReply {
        let index = core.appliedIndex.next
        let reply = try entry.withUnsafeBytes { try core.apply(encoded: $0, at: index) }
        let keys = store.lastKeys
        let other = try entry.withUnsafeBytes { try replica.apply(encoded: $0, at: index) }
        switch (reply, other) {
        case (.refused(let code), .refused(let otherCode)):
            guard code == otherCode else { throw Finding("refused with \(code) here and \(otherCode) there") }
            try expectUnchanged(keys)
        case (.response(let response), .response(let otherResponse)):
            try expectAlike(response, otherResponse, keys)
            guard let bytes = try? response.encoded(),
                let again = bytes.withUnsafeBytes({
                    try? AnyShardResponse.decode(kind: response.kind.rawValue, body: $0)
                }), again == response
            else { throw Finding("a response that does not come back: \(response)") }
            try observer.observe(core, known, isCoordinatorHonest: isCoordinatorHonest)
        default: throw Finding("\(reply) here, \(other) there")
        }
        return reply
    }

    /// T1: a refused entry changes nothing but the index, and what is remembered of it.
    private func expectUnchanged(_ keys: [[UInt8]]) throws {
        let remembering: Set<UInt8> = [8, 9, 10]
        let changed = keys.filter { $0 != [Self.shard.rawValue, 1, 2] && !remembering.contains($0[1]) }
        guard changed.isEmpty else { throw Finding("T1: refused, but changed \(changed)") }
    }

    /// Replicas answer with different block services, but the same kind. What the coordinator is told is remembered, so
    /// that is the same.
    private func expectAlike(_ response: AnyShardResponse, _ other: AnyShardResponse, _ keys: [[UInt8]]) throws {
        guard response.kind == other.kind else { throw Finding("\(response) here, \(other) there") }
        guard case .executeOnce(let once) = response else { return }
        guard response == other else { throw Finding("\(response) here, \(other) there") }
        if once.kind == 0 { try expectUnchanged(keys) }
    }

    private func restart() throws {
        core = try ShardCore(
            store: store, shard: Self.shard, transientLifetimeNanoseconds: 3_600_000_000_000, blockServices: services)
        proposals = []
    }

    /// The state goes back to some point since the last flush; of what was on its way into the log some got there.
    private func crash(_ script: inout FuzzScript) throws {
        store.memory.crash(surviving: Int(script.byte()) % (store.memory.unsyncedBatchCount + 1))
        let durable = proposals.prefix(Int(script.byte()) % (proposals.count + 1))
        proposals = []
        core = try ShardCore(
            store: store, shard: Self.shard, transientLifetimeNanoseconds: 3_600_000_000_000, blockServices: services)
        for entry in log.dropFirst(Int(core.appliedIndex.rawValue)) {
            _ = try entry.withUnsafeBytes { try core.apply(encoded: $0, at: core.appliedIndex.next) }
        }
        for proposal in durable {
            log.append(proposal.entry)
            _ = try apply(proposal.entry)
        }
    }

    private func changeServices(_ script: inout FuzzScript) {
        services = FuzzServices.table(flags: script.byte(), on: script.byte(), assigned: Int(script.byte()))
        core.blockServices = services
    }

    // MARK: Checks

    private func checkAll() throws {
        if let difference = difference(store, replicaStore) { throw Finding("S22: \(difference)") }
        let excused: Set<InvariantViolation.Rule> = isCoordinatorHonest ? [] : [.s6, .s11, .s12]
        for checked in [core, replica] {
            let violations = try checked.invariantViolations().filter { !excused.contains($0.rule) }
            if let first = violations.first { throw Finding("\(violations.count) violations, the first \(first)") }
        }
    }

    /// An entry of the log that came back from the disk as something else stops the replica or is applied; nothing else
    /// happens. (The log's own checksums make sure that it does not happen.)
    private func damagedEntry(_ script: inout FuzzScript) throws {
        guard !script.isAtEnd, var entry = script.pick(log) else { return }
        for _ in 0..<4 where !script.isAtEnd {
            entry[Int(script.byte()) % entry.count] ^= script.byte()
        }
        do {
            _ = try entry.withUnsafeBytes { try core.apply(encoded: $0, at: core.appliedIndex.next) }
        } catch ShardStateError.unknownEntry {
            return
        }
    }
}

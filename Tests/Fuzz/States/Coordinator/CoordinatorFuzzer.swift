import CoordinatorCore
import Protocol
import Store

/// A coordinator between its clients, its log and real shards, driven by a script.
///
/// The first byte decides about the shards. Odd: they do what they are asked, and the network loses, doubles and keeps
/// back as it likes; then the shards' directories must agree with the coordinator in the end. Even: answers may be lies;
/// then it is enough that the coordinator survives them and comes to rest.
final class CoordinatorFuzzer {
    private static let instructions = 250

    struct Answer {
        var requestID: UInt64
        var kind: UInt8
        var body: [UInt8]
    }

    let areShardsHonest: Bool
    private let key = MACKey(low: 9, high: 10)
    let shards: FuzzShards
    private let store = MemoryStore(writeAheadLog: false)
    private let options: CoordinatorOptions
    private(set) var coordinator: Coordinator
    private var log: [[UInt8]] = []
    /// How many entries of the log are durable and reported.
    private var durable = 0
    /// Monotonic nanoseconds.
    private var now: UInt64 = 1
    private var starts: UInt64 = 1
    var known = KnownValues()
    private var sends: [ShardSend] = []
    /// Every request that was sent, for copies that come late.
    private var history: [ShardSend] = []
    private var answers: [Answer] = []
    private var datagrams: [(source: UInt64, bytes: [UInt8])] = []
    private var questions: [RequestOrigin: AnyCdcRequest] = [:]

    init(_ script: inout FuzzScript) throws {
        areShardsHonest = script.byte() & 1 == 1
        let info = try DirectoryInfo.sternaRootDefault()
        var options = CoordinatorOptions(defaultInfo: info)
        options.directoryReservation = 4
        options.maximumTransactions = 32
        options.maximumEntryBytes = 600
        self.options = options
        shards = FuzzShards(rootInfo: info)
        coordinator = try Coordinator(store: store, prefix: [1], options: options)
        try coordinator.lead(firstRequestID: starts << 32, now: now)
    }

    func run(_ script: inout FuzzScript) throws {
        for _ in 0..<Self.instructions {
            if script.isAtEnd { break }
            now += 100_000
            try step(&script)
            drain()
        }
        try settle()
        try checkAll()
    }

    private func step(_ script: inout FuzzScript) throws {
        switch script.byte() {
        case let row where Int(row) < CdcTemplates.rows.count:
            let (kind, fields) = CdcTemplates.rows[Int(row)]
            try send(kind.rawValue, try CdcTemplates.body(fields, known, shards.now, &script), &script)
        case 0x20: try send(script.byte(), script.counted(), &script)
        case 0x21: try receiveFromClient(UInt64(script.byte() % 8), script.counted())
        case 0x22:
            guard let earlier = script.pick(datagrams) else { return }
            try receiveFromClient(earlier.source, earlier.bytes)
        case 0x23: try deliver(at: place(in: sends.count, &script), isAnswerLost: false)
        case 0x24: try deliver(at: place(in: sends.count, &script), isAnswerLost: true)
        case 0x25: try deliverAll(rounds: 1 + Int(script.byte() % 16))
        case 0x26: if let index = place(in: sends.count, &script) { sends.remove(at: index) }
        case 0x27: if let answer = script.pick(answers) { try receiveFromShard(answer) }
        case 0x28: try refuse(&script)
        case 0x29: try lie(&script)
        case 0x2A: coordinator.tick(now: now)
        case 0x2B: now += script.clockChange().nanoseconds % 10_000_000_000
        case 0x2C: try takeEntries()
        case 0x2D: try commit(1)
        case 0x2E: try commit(log.count)
        case 0x2F: try crash(&script)
        case 0x30: try store.flush()
        case 0x31: try shards.actAsClient(&known, &script)
        case 0x32: try restart(&script)
        case 0x33: try deliverCopy(&script)
        default: break
        }
    }

    private func place(in count: Int, _ script: inout FuzzScript) -> Int? { script.pick(0..<count) }

    // MARK: Clients

    private func send(_ kind: UInt8, _ body: [UInt8], _ script: inout FuzzScript) throws {
        let datagram = try encodedBytes(capacity: body.count + PlainPacket.headerSize) { (writer) throws(EncodeError) in
            try PlainPacket.writeHeader(.cdcRequest, requestID: UInt64(datagrams.count) + 1, kind: kind, into: &writer)
            try writer.raw(body)
        }
        let source = UInt64(script.byte() % 8)
        datagrams.append((source, datagram))
        try receiveFromClient(source, datagram)
    }

    private func receiveFromClient(_ source: UInt64, _ datagram: [UInt8]) throws {
        try datagram.withUnsafeBytes { bytes in
            guard let packet = try? PlainPacket(bytes, expecting: .cdcRequest),
                let request = try? AnyCdcRequest.decode(kind: packet.kind, body: packet.body)
            else { return }
            if case .cdcSnapshot = request { return }
            let origin = RequestOrigin(source: source, requestID: packet.requestID)
            questions[origin] = request
            try coordinator.receive(request, from: origin, now: now)
        }
    }

    // MARK: Shards

    private func deliver(at index: Int?, isAnswerLost: Bool) throws {
        guard let index else { return }
        let send = sends.remove(at: index)
        let answer = try shards.answer(send)
        guard !isAnswerLost else { return }
        answers.append(answer)
        try receiveFromShard(answer)
    }

    /// The network gives a shard something again, perhaps of an earlier leader; its answer arrives as well.
    private func deliverCopy(_ script: inout FuzzScript) throws {
        guard let copy = script.pick(history) else { return }
        let answer = try shards.answer(copy)
        answers.append(answer)
        try receiveFromShard(answer)
    }

    private func deliverAll(rounds: Int) throws {
        for _ in 0..<rounds {
            let batch = sends
            sends = []
            for send in batch {
                let answer = try shards.answer(send)
                answers.append(answer)
                try receiveFromShard(answer)
            }
            drain()
        }
    }

    /// As the service takes it: signed, taken apart, decoded.
    private func receiveFromShard(_ answer: Answer) throws {
        let packet = try encodedBytes(capacity: answer.body.count + 64) { (writer) throws(EncodeError) in
            try SignedPacket.writeHeader(
                .cdcToShardResponse, requestID: answer.requestID, checkpoint: 1, kind: answer.kind, into: &writer)
            try writer.raw(answer.body)
            try SignedPacket.seal(&writer, key: key)
        }
        let decoded = packet.withUnsafeBytes { bytes -> Result<AnyShardResponse, ProtocolError>? in
            guard let packet = try? SignedPacket(bytes, expecting: .cdcToShardResponse, key: key) else { return nil }
            if packet.kind == 0 { return (try? ProtocolError(decoding: packet.body)).map { .failure($0) } }
            return (try? AnyShardResponse.decode(kind: packet.kind, body: packet.body)).map { .success($0) }
        }
        if let decoded { try coordinator.receive(decoded, toRequest: answer.requestID, now: now) }
    }

    /// A shard says "not now"; a liar says anything that is an error.
    private func refuse(_ script: inout FuzzScript) throws {
        guard let index = place(in: sends.count, &script) else { return }
        let send = sends.remove(at: index)
        let code = UInt16(script.byte())
        let refusal = ProtocolError(rawValue: areShardsHonest ? ProtocolError.internalError.rawValue : code)
        try receiveFromShard(Answer(requestID: send.requestID, kind: 0, body: try refusal.encoded()))
    }

    /// An answer of any kind and content, to a request that is open or to one that never was.
    private func lie(_ script: inout FuzzScript) throws {
        guard !areShardsHonest else { return }
        let requestID = script.pick(sends)?.requestID ?? UInt64(script.byte())
        let kind = script.byte()
        if kind < 0x80 {
            // What another request was answered.
            guard let other = script.pick(answers) else { return }
            return try receiveFromShard(Answer(requestID: requestID, kind: other.kind, body: other.body))
        }
        let asked = sends.first { $0.requestID == requestID }?.request
        guard case .executeOnce(let once) = asked, kind < 0xE0 else {
            let kind = asked?.kind.rawValue ?? kind
            return try receiveFromShard(Answer(requestID: requestID, kind: kind, body: script.counted()))
        }
        let isRefusal = kind < 0xC0
        let body = isRefusal ? try ProtocolError(rawValue: UInt16(script.byte())).encoded() : script.counted()
        let lie = try ExecuteOnceResponse(kind: isRefusal ? 0 : once.kind, body: body).encoded()
        try receiveFromShard(Answer(requestID: requestID, kind: ShardKind.executeOnce.rawValue, body: lie))
    }

    // MARK: The log

    private func takeEntries() throws {
        log += try coordinator.takeEntries(now: now, time: Timestamp(nanoseconds: now))
    }

    private func commit(_ count: Int) throws {
        for _ in 0..<count where durable < log.count {
            durable += 1
            try coordinator.committed(log[durable - 1], at: LogIndex(rawValue: UInt64(durable)), now: now)
        }
    }

    /// Of what was proposed some survives, of the state, too; what was sent arrives before the next start or never.
    private func crash(_ script: inout FuzzScript) throws {
        let choice = script.byte()
        if choice & 1 == 1 { for send in sends { _ = try shards.answer(send) } }
        sends = []
        log.removeLast(log.count - durable - Int(choice >> 1) % (log.count - durable + 1))
        store.crash(surviving: Int(script.byte()) % (store.unsyncedBatchCount + 1))
        try lead()
    }

    private func lead() throws {
        durable = log.count
        coordinator = try Coordinator(store: store, prefix: [1], options: options)
        for (number, entry) in log.enumerated().dropFirst(Int(coordinator.appliedIndex.rawValue)) {
            try coordinator.replay(entry, at: LogIndex(rawValue: UInt64(number + 1)))
        }
        starts += 1
        try coordinator.lead(firstRequestID: starts << 32, now: now)
    }

    /// Ends in good order, and starts again.
    private func restart(_ script: inout FuzzScript) throws {
        coordinator.releaseUnusedDirectories()
        log += try coordinator.takeAllEntries(time: Timestamp(nanoseconds: now))
        try commit(log.count)
        drain()
        try crash(&script)
    }

    // MARK: Ends

    private func drain() {
        let outbox = coordinator.takeOutbox()
        for send in outbox.shardSends {
            sends.append(send)
            history.append(send)
        }
        for reply in outbox.clientReplies {
            if let question = questions[reply.origin] { known.learn(reply.result, to: question) }
        }
    }

    /// Everybody answers, time passes: the coordinator must come to rest.
    private func settle() throws {
        for round in 0..<4_000 {
            now += 5_000_000
            coordinator.tick(now: now)
            drain()
            // What lies have locked at the shards stays locked; then only a refusal ends it.
            if round > 300, !areShardsHonest { try refuseAll() } else { try deliverAll(rounds: 1) }
            try takeEntries()
            try commit(log.count)
            drain()
            if coordinator.isIdle && sends.isEmpty { return }
        }
        throw Finding("never idle: \(coordinator.transactionCount) transactions, \(sends.count) requests")
    }

    private func refuseAll() throws {
        let batch = sends
        sends = []
        for send in batch {
            var answer = Answer(requestID: send.requestID, kind: 0, body: try ProtocolError.directoryNotFound.encoded())
            if case .closeSequences = send.request { answer = try shards.answer(send) }
            try receiveFromShard(answer)
        }
    }

    private func checkAll() throws {
        var violations: [String] = []
        try coordinator.checkInvariants { violation in
            if areShardsHonest || violation.rule != "X5" { violations.append("\(violation.rule): \(violation)") }
        }
        if areShardsHonest { try shards.check(try coordinator.parents()) { violations.append($0) } }
        if let first = violations.first { throw Finding("\(violations.count) violations, the first \(first)") }
    }
}

import Protocol
import ShardCore
import Store

/// A shard between its socket and its store, and a second replica behind it, driven by a script.
///
/// The first byte decides who is at the other end. Odd: clients, and a coordinator that behaves; then all of S1–S22
/// must hold. Even: anybody with the coordinator's key, whose requests the shard carries out as it is told; then S6,
/// S11 and S12, which rest on the coordinator's order of steps, need not hold.
final class ShardFuzzer {
    static let shard = ShardID(rawValue: 0)
    private static let instructions = 150

    struct Proposal {
        var request: AnyShardRequest?
        var entry: [UInt8]
    }

    let isCoordinatorHonest: Bool
    private let key = MACKey(low: 7, high: 8)
    let store = RecordingStore()
    private let replicaStore = RecordingStore()
    private(set) var core: ShardCore
    private let replica: ShardCore
    /// Everything that is in the log, and what is on its way there.
    private var log: [[UInt8]] = []
    private var proposals: [Proposal] = []
    private var isHolding = false
    /// Wall clock, nanoseconds.
    private var now: UInt64 = 1_700_000_000_000_000_000
    private var services = FuzzServices.table
    private var known = KnownValues()
    private var sent: [[UInt8]] = []
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
            try send(kind.rawValue, body, signed: kind.isPrivileged != isOther, &script)
        case 0x60:
            let kind = ShardTemplates.kinds[Int(script.byte()) % ShardTemplates.kinds.count]
            let body = try ShardRequestWriter.arbitraryBody(known, Self.shard, now: now, &script)
            try send(kind.rawValue, body, signed: isOther, &script)
        case 0x61: try send(script.byte(), script.counted(), signed: isOther, &script)
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
        default: break
        }
    }

    // MARK: Datagrams

    private func send(_ kind: UInt8, _ body: [UInt8], signed: Bool, _ script: inout FuzzScript) throws {
        // With an honest coordinator signed packets come from the transactions below only.
        let isSigned = signed && !isCoordinatorHonest
        let datagram = try encodedBytes(capacity: body.count + 64) { (writer) throws(EncodeError) in
            if isSigned {
                try SignedPacket.writeHeader(.cdcToShardRequest, requestID: UInt64(sent.count), kind: kind, into: &writer)
                try writer.raw(body)
                try SignedPacket.seal(&writer, key: key)
            } else {
                try PlainPacket.writeHeader(.shardRequest, requestID: UInt64(sent.count), kind: kind, into: &writer)
                try writer.raw(body)
            }
        }
        sent.append(datagram)
        try receive(datagram)
    }

    /// An earlier datagram again, perhaps with a byte changed; a changed signed one gets a right signature again.
    private func resend(damaged: Bool, _ script: inout FuzzScript) throws {
        guard var datagram = script.pick(sent) else { return }
        if damaged {
            let place = Int(script.byte()) % datagram.count
            datagram[place] ^= max(1, script.byte())
            if datagram.withUnsafeBytes(ProtocolWord.init(of:)) == .cdcToShardRequest, datagram.count > 8 {
                let mac = datagram.dropLast(8).withUnsafeBytes { key.mac(of: $0) }
                datagram.replaceSubrange((datagram.count - 8)..., with: try mac.encoded())
            }
        }
        try receive(datagram)
    }

    /// What a shard service does with a datagram.
    private func receive(_ datagram: [UInt8]) throws {
        try datagram.withUnsafeBytes { bytes in
            switch ProtocolWord(of: bytes) {
            case .shardRequest:
                guard let packet = try? PlainPacket(bytes, expecting: .shardRequest) else { return }
                try handle(packet.kind, packet.body, isPrivileged: false)
            case .cdcToShardRequest:
                let packet = try? SignedPacket(bytes, expecting: .cdcToShardRequest, key: key)
                guard let packet else { return }
                try handle(packet.kind, packet.body, isPrivileged: true)
            default: return
            }
        }
    }

    private func handle(_ kindByte: UInt8, _ body: UnsafeRawBufferPointer, isPrivileged: Bool) throws {
        guard let kind = ShardKind(rawValue: kindByte), isPrivileged || !kind.isPrivileged,
            let request = try? AnyShardRequest.decode(kind: kindByte, body: body)
        else { return }
        if kind.isReadOnly {
            try read(request, body)
        } else if case .shardSnapshot = request {
            return
        } else {
            _ = try write(request, isPrivileged: isPrivileged)
        }
    }

    private func read(_ request: AnyShardRequest, _ body: UnsafeRawBufferPointer) throws {
        let (typed, bytes) = try ShardReading.answers(core, request, body)
        guard typed == bytes else { throw Finding("\(request) is answered with \(typed), in bytes with \(bytes)") }
        if case .response(let response) = typed { known.learn(response, to: request) }
    }

    /// Prepares and proposes; carried out at once unless proposals are being held. Returns the answer, if there is one.
    @discardableResult
    private func write(_ request: AnyShardRequest, isPrivileged: Bool) throws -> ShardReply? {
        do throws(ShardFailure) {
            let entry = try core.prepare(request, isPrivileged: isPrivileged, at: Timestamp(nanoseconds: now))
            guard let bytes = try? entry.encoded(), (try? ShardLogEntry(decoding: bytes)) == entry else {
                throw .state(.unknownEntry)
            }
            proposals.append(Proposal(request: request, entry: bytes))
        } catch .refused(let code) {
            return .refused(code)
        }
        return isHolding ? nil : try deliverAll()
    }

    // MARK: The log

    /// Everything proposed becomes durable and is applied here and at the other replica. Returns the last answer.
    @discardableResult
    private func deliverAll() throws -> ShardReply? {
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
            guard keys == [[Self.shard.rawValue, 1, 2]] else { throw Finding("T1: refused, but changed \(keys)") }
        case (.response(let response), .response(let otherResponse)):
            guard response.kind == otherResponse.kind else { throw Finding("\(response) here, \(otherResponse) there") }
            guard let bytes = try? response.encoded(),
                let again = bytes.withUnsafeBytes({ try? AnyShardResponse.decode(kind: response.kind.rawValue, body: $0) }),
                again == response
            else { throw Finding("a response that does not come back: \(response)") }
            try observer.observe(core, known, isCoordinatorHonest: isCoordinatorHonest)
        default: throw Finding("\(reply) here, \(other) there")
        }
        return reply
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

// What the coordinator does in several steps.
extension ShardFuzzer {
    private func transact(_ request: AnyShardRequest) throws -> AnyShardResponse? {
        let wasHolding = isHolding
        isHolding = false
        defer { isHolding = wasHolding }
        guard case .response(let response) = try write(request, isPrivileged: true) else { return nil }
        return response
    }

    private func makeDirectory(_ script: inout FuzzScript) throws {
        let owner = script.pick(known.directories) ?? .root
        let name = Array("d\(script.byte() % 8)".utf8)
        let made = UInt64(log.count + proposals.count) + 100
        let id = InodeID(type: .directory, shard: Self.shard, index: made)
        let inode = CreateDirectoryInodeRequest(id: id, ownerId: owner, info: DirectoryInfo(entries: []))
        guard try transact(.createDirectoryInode(inode)) != nil else { return }
        let edge = CreateLockedCurrentEdgeRequest(dirId: owner, name: name, targetId: id, oldCreationTime: .zero)
        guard case .createLockedCurrentEdge(let locked) = try transact(.createLockedCurrentEdge(edge)) else {
            let info = try DirectoryInfo.sternaRootDefault()
            _ = try transact(.removeDirectoryOwner(RemoveDirectoryOwnerRequest(dirId: id, info: info)))
            return
        }
        let unlock = UnlockCurrentEdgeRequest(
            dirId: owner, name: name, creationTime: locked.creationTime, targetId: id, wasMoved: false)
        _ = try transact(.unlockCurrentEdge(unlock))
    }

    private func removeDirectory(_ script: inout FuzzScript) throws {
        guard let edge = script.pick(known.edges.filter(\.target.isDirectory)) else { return }
        let lock = LockCurrentEdgeRequest(
            dirId: edge.directory, targetId: edge.target, creationTime: edge.time, name: edge.name)
        guard try transact(.lockCurrentEdge(lock)) != nil else { return }
        let info = try DirectoryInfo.sternaRootDefault()
        let orphan = RemoveDirectoryOwnerRequest(dirId: edge.target, info: info)
        let isOrphan = try transact(.removeDirectoryOwner(orphan)) != nil
        let unlock = UnlockCurrentEdgeRequest(
            dirId: edge.directory, name: edge.name, creationTime: edge.time, targetId: edge.target, wasMoved: isOrphan)
        _ = try transact(.unlockCurrentEdge(unlock))
        if script.byte() & 1 == 1 { _ = try transact(.removeInode(RemoveInodeRequest(id: edge.target))) }
    }

    private func owns(_ edge: KnownValues.NamedEdge) throws -> Bool {
        try deliverAll()
        let request = FullReadDirRequest(
            dirId: edge.directory, flags: .sameName, startName: edge.name, startTime: edge.time, limit: 1, mtu: 0)
        guard let answer = try? core.read(.fullReadDir(request)), case .fullReadDir(let page) = answer,
            let found = page.results.first
        else { return false }
        return !found.current && found.creationTime == edge.time
            && found.targetId == InodeIDExtra(id: edge.target, flag: true)
    }

    private func hardUnlinkFile(_ script: inout FuzzScript) throws {
        // It looks first: a repetition must not touch a file that is owned by something else meanwhile.
        guard let edge = script.pick(known.edges.filter(\.target.isFile)), try owns(edge) else { return }
        let removal = RemoveOwnedSnapshotFileEdgeRequest(
            ownerId: edge.directory, targetId: edge.target, name: edge.name, creationTime: edge.time)
        guard try transact(.removeOwnedSnapshotFileEdge(removal)) != nil else { return }
        _ = try transact(.makeFileTransient(MakeFileTransientRequest(id: edge.target, note: edge.name)))
    }
}

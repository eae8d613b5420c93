import Client
import DequeModule
import EventLoop
import Logging
import Protocol
import ReplicatedLog
import ShardCore
import Wire

extension ShardKind {
    /// Whether the base protocol does not have it; bit 7 says that it is for the coordinator.
    fileprivate var isExtension: Bool { (0x40..<0x70).contains(rawValue & 0x7f) }
}

/// One shard on its loop: its sockets, its core, and the requests in flight between them.
final class ShardServer {
    /// What the shard needs of the process around it.
    struct Environment {
        let loop: EventLoop
        let clock: ClusterClock
        let logger: Logger
        let counters: ShardCounters
        /// What packets of the coordinator may be signed with; shared by the shards of a loop.
        let coordinatorKeys: [MACKey]
        /// Of requests that are not everybody's.
        let proofKey: MACKey?
        /// Whether everybody may ask for them, as in TernFS.
        let isOpen: Bool
        /// Whether requests of extensions are dropped.
        let isBaseProtocolOnly: Bool
        let snapshots: SnapshotWriter
        /// The shard cannot go on, so neither can the process.
        let fail: (any Error) -> Void
        /// A client needed block services that this shard does not have.
        let blockServicesAreMissing: () -> Void
    }

    /// A write on its way through the log.
    private struct PendingWrite {
        let index: LogIndex
        let entry: ShardLogEntry
        /// Nil when nobody waits: for the shard's own first entry, and for requests without an id.
        let target: ReplyTarget?
        /// Who asked for it, if that was a client.
        let host: UInt32?
    }

    let core: ShardCore
    let environment: Environment
    private let log: HostedLog
    private var sockets: [UDPSocket] = []
    private var pendingWrites = Deque<PendingWrite>()
    private var inFlight: Set<ReplyTarget.Identity> = []
    /// Of each client's host, how many of its writes are in the log and not applied yet.
    private var writesByHost: [UInt32: Int] = [:]
    /// So many of one host are half of what may be in the log: others have the rest. The coordinator, whose packets are
    /// signed, has limits of its own.
    private static let maximumWritesPerHost = LogLimits().windowEntries / 2
    private var hasFailed = false
    private var isDraining = false
    /// Called when the shard can serve: at once, or when its first entry is durable.
    var onInitialised: ((ShardServer) -> Void)?

    /// On the loop.
    init(_ core: ShardCore, lane: LogLane, _ environment: Environment) {
        self.core = core
        self.environment = environment
        log = lane.open(LogGroupID(core.shard), delivered: core.appliedIndex)
        log.onDelivery = { [unowned self] in deliver($0) }
        log.onStop = { [unowned self] in stop($0) }
    }

    // MARK: Life

    /// Makes the shard's first entry if there is none, as soon as the clock may be believed: times of entries never go
    /// back.
    func begin() throws {
        guard !core.isInitialised else { return becomeInitialised() }
        guard let now = environment.clock.now else {
            environment.loop.timer(afterNanoseconds: Self.clockPauseNanoseconds) { [weak self] in self?.beginLater() }
            return
        }
        try begin(at: now)
    }

    private static let clockPauseNanoseconds: UInt64 = 50_000_000

    private func beginLater() {
        guard !hasFailed, !isDraining else { return }
        do {
            try begin()
        } catch {
            environment.fail(error)
        }
    }

    private func begin(at now: Timestamp) throws {
        var random = SystemRandomNumberGenerator()
        let genesis = ShardGenesis(
            cookieKey: SecretKey(low: random.next(), high: random.next()), rootInfo: try .sternaRootDefault())
        let entry = core.prepareGenesis(genesis, at: now)
        let index = try log.propose(try entry.encoded())
        pendingWrites.append(PendingWrite(index: index, entry: entry, target: nil, host: nil))
        environment.logger.debug("shard \(core.shard) makes its first entry")
    }

    private func becomeInitialised() {
        onInitialised?(self)
        onInitialised = nil
    }

    /// Binds the sockets, where the system may choose to the ports of the last time if they are free; returns their
    /// addresses.
    func listen(on addresses: [SocketAddress], _ memory: PortMemory) throws(SystemError) -> [SocketAddress] {
        for address in addresses {
            let socket: UDPSocket
            if address.port != 0 {
                socket = try bind(address, address.port + UInt16(core.shard.rawValue))
            } else if let port = memory.port(of: core.shard, at: address), let bound = try? bind(address, port) {
                socket = bound
            } else {
                socket = try bindAnywhere(address, memory)
            }
            socket.onDatagram = { [unowned self, unowned socket] datagram, sender in
                receive(datagram, from: sender, on: socket)
            }
            sockets.append(socket)
        }
        return sockets.map(\.localAddress)
    }

    /// To a port that no other shard had.
    private func bindAnywhere(_ address: SocketAddress, _ memory: PortMemory) throws(SystemError) -> UDPSocket {
        var unwanted: [UDPSocket] = []
        defer { unwanted.forEach { $0.close() } }
        while true {
            let socket = try bind(address, 0)
            guard memory.isWanted(socket.localAddress.port, byOthersThan: core.shard) else { return socket }
            unwanted.append(socket)
        }
    }

    private func bind(_ address: SocketAddress, _ port: UInt16) throws(SystemError) -> UDPSocket {
        try UDPSocket(
            on: environment.loop, binding: SocketAddress(address: address.address, port: port),
            bufferSize: Self.socketBufferBytes)
    }

    /// Takes no more requests; what is in flight goes on and is answered.
    func drain() {
        isDraining = true
    }

    /// Sends what waits to be sent and closes the sockets.
    func close() {
        for socket in sockets { socket.close() }
    }

    private static let socketBufferBytes = 1 << 20

    // MARK: Requests

    private func receive(_ datagram: UnsafeRawBufferPointer, from sender: SocketAddress, on socket: UDPSocket) {
        guard !hasFailed, !isDraining else { return }
        do throws(DecodeError) {
            switch ProtocolWord(of: datagram) {
            case .shardRequest:
                let packet = try PlainPacket(datagram, expecting: .shardRequest)
                let target = ReplyTarget(socket: socket, sender: sender, requestID: packet.requestID)
                try handle(packet.kind, packet.body, target)
            case .provenShardRequest:
                guard let key = environment.proofKey else { throw .wrongProtocol }
                let proven = try ProvenPacket(datagram, expecting: .provenShardRequest, key: key)
                try handle(proven, ReplyTarget(socket: socket, sender: sender, requestID: proven.packet.requestID))
            case .cdcToShardRequest:
                let (packet, key) = try open(datagram)
                let target = ReplyTarget(socket: socket, sender: sender, requestID: packet.requestID, signer: key)
                try handle(packet.kind, packet.body, target)
            default:
                throw .wrongProtocol
            }
        } catch {
            // No answer: it is not one of ours, or somebody tries things.
            environment.counters.undecodable.add()
        }
    }

    /// A packet of the coordinator, and the key that it is signed with.
    private func open(_ datagram: UnsafeRawBufferPointer) throws(DecodeError) -> (SignedPacket, MACKey) {
        var failure = DecodeError.badSignature
        for key in environment.coordinatorKeys {
            do throws(DecodeError) {
                return (try SignedPacket(datagram, expecting: .cdcToShardRequest, key: key), key)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private func handle(_ proven: ProvenPacket, _ target: ReplyTarget) throws(DecodeError) {
        guard RequestProof.isCurrent(proven.time, at: environment.loop.wallClock()) else {
            environment.counters.untimelyProofs.add()
            return refuse(.notAuthorised, target, checkpoint: core.appliedIndex)
        }
        try handle(proven.packet.kind, proven.packet.body, target, isProven: true)
    }

    private func handle(
        _ kindByte: UInt8, _ body: UnsafeRawBufferPointer, _ target: ReplyTarget, isProven: Bool = false
    ) throws(DecodeError) {
        guard let kind = ShardKind(rawValue: kindByte), !(environment.isBaseProtocolOnly && kind.isExtension) else {
            throw .unknownKind
        }
        guard target.isSigned || !kind.isPrivileged else { return environment.counters.unprivileged.add() }
        guard isProven || environment.isOpen || target.isSigned || !kind.needsProof else {
            environment.counters.unprivileged.add()
            return refuse(.notAuthorised, target, checkpoint: core.appliedIndex)
        }
        var reader = WireReader(body)
        let request = try AnyShardRequest.decode(kind: kind, from: &reader)
        try reader.finish()
        guard !isMisdirected(request) else { return environment.counters.misdirected.add() }
        if kind.isReadOnly {
            try read(request, target)
        } else if case .shardSnapshot(let request) = request {
            takeSnapshot(request.snapshotId, target)
        } else {
            try write(request, target)
        }
    }

    private func read(_ request: AnyShardRequest, _ target: ReplyTarget) throws(DecodeError) {
        environment.counters.reads.add()
        do throws(ShardFailure) {
            answer(.response(try core.read(request)), target, checkpoint: core.appliedIndex)
        } catch {
            try refuse(error, target)
        }
    }

    private func write(_ request: AnyShardRequest, _ target: ReplyTarget) throws(DecodeError) {
        if target.isAwaited, inFlight.contains(target.identity) { return environment.counters.duplicates.add() }
        guard target.isSigned || writesByHost[target.sender.address] ?? 0 < Self.maximumWritesPerHost else {
            return environment.counters.overflows.add()
        }
        // Silence: the client tries again, and the clock may be right then.
        guard let now = environment.clock.now else { return environment.counters.clockDisputes.add() }
        do throws(ShardFailure) {
            let entry = try core.prepare(
                request, isPrivileged: target.isSigned, requestID: target.isAwaited ? target.requestID : nil, at: now)
            propose(entry, target)
        } catch {
            try refuse(error, target)
        }
    }

    private func propose(_ entry: ShardLogEntry, _ target: ReplyTarget) {
        do {
            let index = try log.propose(try entry.encoded())
            let host = target.isSigned ? nil : target.sender.address
            pendingWrites.append(
                PendingWrite(index: index, entry: entry, target: target.isAwaited ? target : nil, host: host))
            if let host { writesByHost[host, default: 0] += 1 }
            if target.isAwaited { inFlight.insert(target.identity) }
        } catch is ProposalRefusal {
            // Silence: the client tries again when there is room, or at another replica.
            environment.counters.overflows.add()
        } catch {
            fail(error, target)
        }
    }

    // MARK: Deliveries

    private func deliver(_ delivered: LogEntry) {
        guard !hasFailed else { return }
        do throws(ShardStateError) {
            guard let write = pendingWrites.first, write.index == delivered.index else {
                throw .wrongIndex(expected: pendingWrites.first?.index ?? .zero, got: delivered.index)
            }
            pendingWrites.removeFirst()
            if let host = write.host { forgetWrite(of: host) }
            let reply = try core.apply(write.entry, at: delivered.index)
            environment.counters.writes.add()
            guard let target = write.target else { return becomeInitialised() }
            inFlight.remove(target.identity)
            answer(reply, target, checkpoint: delivered.index)
        } catch {
            hasFailed = true
            environment.fail(ShardHostError.shardFailed(core.shard, error))
        }
    }

    private func forgetWrite(of host: UInt32) {
        guard let count = writesByHost[host] else { return }
        writesByHost[host] = count > 1 ? count - 1 : nil
    }

    private func stop(_ error: LogError) {
        hasFailed = true
        environment.fail(error)
    }

    // MARK: Answers

    private func answer(_ reply: ShardReply, _ target: ReplyTarget, checkpoint: LogIndex) {
        switch reply {
        case .response(let response):
            target.send(kind: response.kind.rawValue, checkpoint: checkpoint) { (writer) throws(EncodeError) in
                try response.encode(into: &writer)
            }
        case .refused(let code):
            refuse(code, target, checkpoint: checkpoint)
        }
    }

    private func refuse(_ failure: ShardFailure, _ target: ReplyTarget) throws(DecodeError) {
        switch failure {
        case .refused(let code): refuse(code, target, checkpoint: core.appliedIndex)
        case .undecodable(let error): throw error
        case .state(let error): fail(error, target)
        }
    }

    private func refuse(_ code: ProtocolError, _ target: ReplyTarget, checkpoint: LogIndex) {
        environment.counters.refusals.add()
        if code == .couldNotPickBlockServices { environment.blockServicesAreMissing() }
        target.send(error: code, checkpoint: checkpoint)
    }

    /// Our own trouble with one request. A store that fails for good shows when the next entry is applied, which ends
    /// the process.
    private func fail(_ error: any Error, _ target: ReplyTarget) {
        environment.counters.failures.add()
        environment.logger.error("shard \(core.shard) answers INTERNAL_ERROR: \(error)")
        target.send(error: .internalError, checkpoint: core.appliedIndex)
    }

    private func takeSnapshot(_ id: UInt64, _ target: ReplyTarget) {
        guard inFlight.insert(target.identity).inserted else { return environment.counters.duplicates.add() }
        environment.snapshots.take(id, on: environment.loop) { [weak self] isDone in
            guard let self else { return }
            inFlight.remove(target.identity)
            let reply: ShardReply =
                isDone ? .response(.shardSnapshot(ShardSnapshotResponse())) : .refused(.cannotCreateDbSnapshot)
            answer(reply, target, checkpoint: core.appliedIndex)
        }
    }
}

import Client
import Consensus
import EventLoop
import Logging
import Protocol
import Replicas
import ReplicatedLog
import ShardCore
import Wire

extension ShardKind {
    /// Whether the base protocol does not have it; bit 7 says that it is for the coordinator.
    fileprivate var isExtension: Bool { (0x40..<0x70).contains(rawValue & 0x7f) }
}

/// One shard on its loop: its sockets, and the packets that come and go through them.
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
        /// To where the other replicas are; nil: there are none.
        let exchange: PeerExchange?
        /// The shard cannot go on, so neither can the process.
        let fail: (any Error) -> Void
        /// A client needed block services that this shard does not have.
        let blockServicesAreMissing: () -> Void
    }

    let pipeline: ShardPipeline
    let environment: Environment
    let clients: ClientRelay

    var core: ShardCore { pipeline.core }

    /// On the loop.
    init(_ core: ShardCore, _ log: Replica, _ environment: Environment) {
        self.environment = environment
        pipeline = ShardPipeline(core, log: log, environment.pipeline)
        clients = ClientRelay(
            to: log, over: environment.exchange,
            ClientRelay.Counters(
                passedOn: environment.counters.relays, refused: environment.counters.undecodable),
            now: { [loop = environment.loop] in loop.bootInstant }, isForReplica: Self.isForReplica)
        pipeline.onAnswer = { [unowned self] in send($0, to: $1, checkpoint: $2) }
        clients.onDatagram = { [unowned self] in handle($0, $1) }
    }

    // MARK: Sockets

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
            clients.add(socket)
        }
        return clients.sockets.map(\.localAddress)
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

    private static let socketBufferBytes = 1 << 20

    // MARK: Packets

    /// Whether a datagram asks for what the replica itself knows.
    private static func isForReplica(_ datagram: UnsafeRawBufferPointer) -> Bool {
        guard let packet = try? PlainPacket(datagram, expecting: .shardRequest) else { return false }
        return packet.kind == ShardKind.shardReplicaStatus.rawValue
    }

    private func handle(_ datagram: UnsafeRawBufferPointer, _ way: ClientWay) {
        guard pipeline.takesRequests else { return }
        do throws(DecodeError) {
            switch ProtocolWord(of: datagram) {
            case .shardRequest:
                let packet = try PlainPacket(datagram, expecting: .shardRequest)
                try pipeline.handle(
                    try decode(packet.kind, packet.body), from: RequestSource(way, requestID: packet.requestID))
            case .provenShardRequest:
                guard let key = environment.proofKey else { throw .wrongProtocol }
                let proven = try ProvenPacket(datagram, expecting: .provenShardRequest, key: key)
                try handle(proven, RequestSource(way, requestID: proven.packet.requestID))
            case .cdcToShardRequest:
                let (packet, signer) = try open(datagram)
                let source = RequestSource(way, requestID: packet.requestID, signer: signer)
                try pipeline.handle(try decode(packet.kind, packet.body), from: source)
            default:
                throw .wrongProtocol
            }
        } catch {
            // No answer: it is not one of ours, or somebody tries things.
            environment.counters.undecodable.add()
        }
    }

    /// A packet of the coordinator, and the number of the key that it is signed with.
    private func open(_ datagram: UnsafeRawBufferPointer) throws(DecodeError) -> (SignedPacket, UInt8) {
        var failure = DecodeError.badSignature
        for (number, key) in environment.coordinatorKeys.enumerated() {
            do throws(DecodeError) {
                return (try SignedPacket(datagram, expecting: .cdcToShardRequest, key: key), UInt8(number))
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private func handle(_ proven: ProvenPacket, _ source: RequestSource) throws(DecodeError) {
        guard RequestProof.isCurrent(proven.time, at: environment.loop.wallClock()) else {
            environment.counters.untimelyProofs.add()
            return pipeline.refuse(.notAuthorised, source)
        }
        try pipeline.handle(try decode(proven.packet.kind, proven.packet.body), from: source, isProven: true)
    }

    private func decode(_ kindByte: UInt8, _ body: UnsafeRawBufferPointer) throws(DecodeError) -> AnyShardRequest {
        guard let kind = ShardKind(rawValue: kindByte), !(environment.isBaseProtocolOnly && kind.isExtension) else {
            throw .unknownKind
        }
        var reader = WireReader(body)
        let request = try AnyShardRequest.decode(kind: kind, from: &reader)
        try reader.finish()
        return request
    }

    /// Puts the answer into the outgoing batch.
    private func send(_ reply: ShardReply, to source: RequestSource, checkpoint: LogIndex) {
        let frame = ReplyFrame(
            requestID: source.requestID, signer: source.signer.map { environment.coordinatorKeys[Int($0)] },
            checkpoint: checkpoint)
        clients.answer(source.way) { room in frame.write(reply, into: room) }
    }
}

extension ShardServer.Environment {
    /// The same for what is behind the sockets.
    fileprivate var pipeline: ShardPipeline.Environment {
        ShardPipeline.Environment(
            now: { [clock] in clock.now },
            later: { [loop] nanoseconds, body in loop.timer(afterNanoseconds: nanoseconds, body) },
            makeGenesis: {
                var random = SystemRandomNumberGenerator()
                return ShardGenesis(
                    cookieKey: SecretKey(low: random.next(), high: random.next()), rootInfo: try .sternaRootDefault())
            },
            takeSnapshot: { [snapshots, loop] number, done in snapshots.take(number, on: loop, then: done) },
            blockServicesAreMissing: blockServicesAreMissing, fail: fail, isOpen: isOpen, counters: counters,
            logger: logger)
    }
}

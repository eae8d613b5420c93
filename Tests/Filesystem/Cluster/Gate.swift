import Client
import EventLoop
import Filesystem
import Protocol
import TestSupport

/// The way from a host to a shard, on which a test holds requests and loses answers of some kinds.
///
/// `@unchecked Sendable`: used on the host's loop only.
final class Gate: @unchecked Sendable {
    private struct Request {
        let id: UInt64
        let kind: ShardKind
        let bytes: [UInt8]
        let sender: SocketAddress
    }

    private let loop: EventLoop
    private let shard: SocketAddress
    private let front: UDPSocket
    /// Towards the shard, one for each socket of the host.
    private var backs: [SocketAddress: UDPSocket] = [:]
    private var isHolding: Set<ShardKind> = []
    private var isLosing: Set<ShardKind> = []
    private var held: [Request] = []
    /// Requests that were let through, and those of them whose answers get lost.
    private var passed: Set<UInt64> = []
    private var unanswered: Set<UInt64> = []
    private var onHeld: [() -> Void] = []

    fileprivate init(on loop: EventLoop, from client: Client, to shard: ShardID) throws {
        let transport = client.core.transport
        guard let known = transport.addresses else { throw TestFailure("no addresses are known") }
        var shards = known.shards
        let real = shards[Int(shard.rawValue)].addr1
        self.loop = loop
        self.shard = SocketAddress(address: real.addrs.rawValue, port: real.port)
        front = try UDPSocket(on: loop, binding: .loopback(port: 0))
        let own = front.localAddress
        shards[Int(shard.rawValue)] = AddrsInfo(
            addr1: IpPort(addrs: IPv4Address(rawValue: own.address), port: own.port),
            addr2: IpPort(addrs: .any, port: 0))
        // Nobody shall ask the registry again.
        transport.onSilence = nil
        transport.addresses = ClusterAddresses(shards: shards, cdc: known.cdc)
        front.onDatagram = { [weak self] datagram, sender in self?.receive(datagram, sender) }
    }

    fileprivate func close() {
        front.close()
        for back in backs.values { back.close() }
    }

    // MARK: What tests do

    /// From here on requests of this kind wait.
    func hold(_ kind: ShardKind) async {
        await onLoop { $0.isHolding.insert(kind) }
    }

    /// Waits until one of this kind waits.
    func holds(_ kind: ShardKind) async throws {
        let isThere = await loop.task { [self] in
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Bool, Never>) in
                var waiting: UnsafeContinuation<Bool, Never>? = continuation
                func end(_ isThere: Bool) {
                    waiting?.resume(returning: isThere)
                    waiting = nil
                }
                let deadline = loop.timer(afterNanoseconds: 20_000_000_000) { end(false) }
                func look() {
                    guard waiting != nil, held.contains(where: { $0.kind == kind }) else { return }
                    deadline.cancel()
                    end(true)
                }
                onHeld.append(look)
                look()
            }
        }.value
        guard isThere else { throw TestFailure("no \(kind) came") }
    }

    /// Lets those of this kind through that wait.
    /// - Parameters:
    ///   - goesOn: whether later ones wait all the same.
    ///   - losesAnswers: whether the host hears nothing of them.
    func pass(_ kind: ShardKind, goesOn: Bool = false, losesAnswers: Bool = false) async {
        await onLoop { gate in
            if !goesOn { gate.isHolding.remove(kind) }
            let waiting = gate.held.filter { $0.kind == kind }
            gate.held.removeAll { $0.kind == kind }
            for request in waiting { gate.forward(request, losesAnswers: losesAnswers) }
        }
    }

    private func onLoop(_ body: @escaping @Sendable (Gate) -> Void) async {
        await loop.task { [self] in body(self) }.value
    }

    // MARK: Datagrams

    private func receive(_ datagram: UnsafeRawBufferPointer, _ sender: SocketAddress) {
        guard let packet = try? PlainPacket(datagram, expecting: .shardRequest),
            let kind = ShardKind(rawValue: packet.kind)
        else { return }
        let request = Request(id: packet.requestID, kind: kind, bytes: Array(datagram), sender: sender)
        guard isHolding.contains(kind) || unanswered.contains(request.id) else {
            return forward(request, losesAnswers: false)
        }
        // It was sent once more.
        guard !passed.contains(request.id), !held.contains(where: { $0.id == request.id }) else { return }
        held.append(request)
        for look in onHeld { look() }
    }

    private func forward(_ request: Request, losesAnswers: Bool) {
        passed.insert(request.id)
        if losesAnswers { unanswered.insert(request.id) }
        back(of: request.sender)?.send(request.bytes, to: shard)
    }

    private func back(of sender: SocketAddress) -> UDPSocket? {
        if let back = backs[sender] { return back }
        guard let back = try? UDPSocket(on: loop, binding: .loopback(port: 0)) else { return nil }
        back.onDatagram = { [weak self] datagram, _ in
            guard let self, let packet = try? PlainPacket(datagram, expecting: .shardResponse),
                !unanswered.contains(packet.requestID)
            else { return }
            front.send(Array(datagram), to: sender)
        }
        backs[sender] = back
        return back
    }
}

extension Host {
    /// Runs `body` while this host reaches a shard through a gate only.
    func gated(_ shard: ShardID, _ body: (Gate) async throws -> Void) async throws {
        let client = filesystem.client
        let gate = try await loop.task { Result { try Gate(on: loop, from: client, to: shard) } }.value.get()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(gate))
        } catch {
            result = .failure(error)
        }
        try await reach()
        await loop.task { gate.close() }.value
        try result.get()
    }
}

import Consensus
import Daemon
import EventLoop
import Logging
import Metrics
import Peers
import Protocol

/// The connections of a process to those with the other replicas of its groups, on a thread of their own: what they
/// carry waits for nothing else in the process (design R7). Thread-safe.
package final class ReplicaPeers: Sendable {
    /// Between the lanes of the process and its peers.
    package let exchange: PeerExchange
    /// Who is in the slots of the others, as far as somebody is connected.
    package let presence = PeerPresence()
    /// Which of the groups are in trouble.
    package let watch = GroupWatch()
    private let loop: EventLoop
    private let thread: SystemThread
    private let ends: LoopEnds

    private static let beatNanoseconds: UInt64 = 100_000_000

    /// What lives on the connections' own loop.
    ///
    /// `@unchecked Sendable`: touched by whoever makes it, and then on that loop only.
    private final class LoopEnds: @unchecked Sendable {
        let transport: PeerTransport
        var heartbeat: LoopTimer?

        init(_ transport: PeerTransport) { self.transport = transport }

        func close() {
            heartbeat?.cancel()
            transport.close()
        }
    }

    /// Listens, and begins to connect to the others.
    ///
    /// - Parameters:
    ///   - member: who this process is in its groups.
    ///   - plan: one with other processes.
    package init(
        _ service: PeerService, _ member: Member, _ plan: ReplicaPlan, keys: KeyRing, counters: Counters, logger: Logger
    ) throws(SystemError) {
        loop = try EventLoop()
        let identity = PeerIdentity(service: service, slot: member.slot, incarnation: member.incarnation)
        let transport = PeerTransport(on: loop, identity, keys: keys, counters: counters, logger: logger)
        exchange = PeerExchange(TransportPort(transport)) { [loop] in BootInstant(nanoseconds: loop.bootNanoseconds) }
        ends = LoopEnds(transport)
        let reader = PeerFrameReader(counters: counters, logger: logger)
        transport.onFrame = { [exchange] peer, bytes in
            if let frame = reader.frame(in: bytes, from: peer) { exchange.receive(frame, from: peer.member) }
        }
        transport.onConnected = { [presence] peer in presence.add(peer.member) }
        transport.onLost = { [presence] peer in presence.remove(peer.member) }
        if let own = plan.addresses[member.slot] { _ = try transport.listen(on: own) }
        for (slot, address) in plan.addresses { transport.setAddresses([address], of: slot) }
        ends.heartbeat = loop.timer(
            afterNanoseconds: Self.beatNanoseconds, repeatingNanoseconds: Self.beatNanoseconds
        ) { [exchange] in exchange.beat() }
        thread = try loop.runOnThread(name: "peers")
    }

    /// The same for a service; nil where it is alone.
    package static func ifAny(
        _ service: PeerService, _ member: Member, _ plan: ReplicaPlan, keys: KeyRing, _ daemon: Daemon
    ) throws(SystemError) -> ReplicaPeers? {
        guard !plan.isAlone else { return nil }
        return try ReplicaPeers(
            service, member, plan, keys: keys, counters: daemon.counters, logger: daemon.logger)
    }

    /// Ends the connections and their thread. Blocks.
    package func close() {
        loop.submit { [ends] in ends.close() }
        loop.stop()
        thread.join()
    }
}

/// What is sent goes over the process's connections; what cannot be sent is counted there.
private final class TransportPort: PeerPort {
    private let transport: PeerTransport

    init(_ transport: PeerTransport) { self.transport = transport }

    func send(_ frame: EncodedFrame, to slot: ReplicaSlot) { _ = transport.send(frame, to: slot) }
}

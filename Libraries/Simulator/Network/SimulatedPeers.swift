import Consensus
import Metrics
import Peers
import Protocol
import Replicas

/// The connections of a simulated process to those with the other replicas of its groups, from its start to its end.
final class SimulatedPeers {
    /// Between the lanes of the process and its peers.
    let exchange: PeerExchange
    private unowned let machine: Machine
    private let service: PeerService
    private let reader: PeerFrameReader

    /// - Parameter beat: between two heartbeats, nanoseconds.
    init(_ machine: Machine, _ member: Member, _ service: PeerService, beat: UInt64) {
        self.machine = machine
        self.service = service
        reader = PeerFrameReader(counters: Counters(), logger: machine.logger)
        exchange = PeerExchange(SimulatedPeerPort(machine, member)) { [clock = machine.clock] in clock.boot }
        machine.network.attach(.peer(machine.id), of: machine.id) { [weak self] message, _ in self?.receive(message) }
        machine.every(beat...beat + 1000) { [exchange] in exchange.beat() }
    }

    /// The process is gone.
    func end() {
        machine.network.detach(.peer(machine.id))
        // They hold who holds the exchange.
        exchange.relays = PeerExchange.RelayHandlers()
    }

    private func receive(_ message: Message) {
        guard case .peerFrame(let bytes, let sender) = message.body else { return }
        let identity = PeerIdentity(service: service, slot: sender.slot, incarnation: sender.incarnation)
        guard let frame = bytes.withUnsafeBytes({ reader.frame(in: $0, from: identity) }) else {
            return machine.world.find("\(machine.id) cannot read what \(sender) has sent")
        }
        exchange.receive(frame, from: sender)
    }
}

/// What a simulated process sends its peers, as bytes over the simulated network.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
private final class SimulatedPeerPort: PeerPort, @unchecked Sendable {
    private unowned let machine: Machine
    private let member: Member
    private let life: Int

    init(_ machine: Machine, _ member: Member) {
        self.machine = machine
        self.member = member
        life = machine.incarnation
    }

    func send(_ frame: EncodedFrame, to slot: ReplicaSlot) {
        // A process that is gone says nothing any more.
        guard machine.isUp, machine.incarnation == life else { return }
        machine.network.send(
            Message(id: 0, body: .peerFrame(frame.bytes, from: member)), from: .peer(machine.id),
            to: .peer(machine.id.replica(in: Int(slot.rawValue))))
    }
}

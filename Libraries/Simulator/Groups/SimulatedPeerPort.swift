import Consensus
import Peers
import Replicas

/// What a simulated process sends its peers, as bytes over the simulated network.
///
/// `@unchecked Sendable`: confined to the simulation's thread.
final class SimulatedPeerPort: PeerPort, @unchecked Sendable {
    private unowned let machine: GroupMachine
    private let member: Member

    init(_ machine: GroupMachine, _ member: Member) {
        self.machine = machine
        self.member = member
    }

    func send(_ frame: EncodedFrame, to slot: ReplicaSlot) {
        // A process that is gone says nothing any more.
        guard machine.isUp, machine.member == member else { return }
        machine.network.send(
            Message(id: 0, body: .peerFrame(frame.bytes, from: member)), from: .replica(machine.number),
            to: .replica(Int(slot.rawValue)))
    }
}

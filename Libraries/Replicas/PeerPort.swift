import Consensus
import Peers

/// The seam to the network between the processes of a group. Thread-safe.
package protocol PeerPort: AnyObject, Sendable {
    /// Sends a frame to the process in a slot. It may get lost; frames come in their order or not at all.
    func send(_ frame: EncodedFrame, to slot: ReplicaSlot)
}

import Consensus
import Peers
import Replicas
import Synchronization

/// What a replica's process has sent to its peers and nobody has carried yet.
package final class HandDrivenPort: PeerPort {
    private let frames = Mutex<[(frame: EncodedFrame, slot: ReplicaSlot)]>([])

    package init() {}

    package func send(_ frame: EncodedFrame, to slot: ReplicaSlot) { frames.withLock { $0.append((frame, slot)) } }

    package func take() -> [(frame: EncodedFrame, slot: ReplicaSlot)] {
        frames.withLock { frames in
            defer { frames = [] }
            return frames
        }
    }
}

/// A clock that goes on when a test says so.
package final class HandDrivenClock: Sendable {
    private let nanoseconds = Atomic<UInt64>(0)

    package init() {}

    package var now: BootInstant { BootInstant(nanoseconds: nanoseconds.load(ordering: .relaxed)) }

    package func pass(milliseconds: UInt64) { nanoseconds.wrappingAdd(milliseconds * 1_000_000, ordering: .relaxed) }
}

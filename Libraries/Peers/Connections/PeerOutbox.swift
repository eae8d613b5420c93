import Mutations
import Synchronization

/// What waits for one peer, from its being handed over until the kernel has it. Thread-safe.
///
/// It takes nothing while the peer is not connected, and nothing in it outlives the connection: a frame is never older
/// than what it goes over, and whoever sent it has learned better until the peer comes back.
final class PeerOutbox: Sendable {
    enum Outcome {
        /// It waits. The loop has to be told when it does not know that something does.
        case taken(isFirst: Bool)
        case full
        case notConnected
    }

    private struct State {
        var isOpen = false
        /// By priority.
        var queues = [FrameQueue](repeating: FrameQueue(), count: FramePriority.allCases.count)
        /// Of all that waits, and of what the connection has and the kernel has not.
        var weight = FrameWeight()
        /// Whether the loop knows that something waits.
        var isTold = false

        mutating func popFirst() -> EncodedFrame? {
            for place in queues.indices {
                if let frame = queues[place].popFirst() { return frame }
            }
            return nil
        }
    }

    private let state = Mutex(State())
    private let settings: PeerSettings

    init(_ settings: PeerSettings) { self.settings = settings }

    func add(_ frame: EncodedFrame) -> Outcome {
        state.withLock { state in
            guard state.isOpen else { return .notConnected }
            guard hasRoom(for: frame, beside: state.weight) || Mutation.slowPeersTakeAnyMemory.isPlanted else {
                return .full
            }
            state.weight += frame
            state.queues[frame.priority.rawValue].append(frame)
            defer { state.isTold = true }
            return .taken(isFirst: !state.isTold)
        }
    }

    private func hasRoom(for frame: EncodedFrame, beside weight: FrameWeight) -> Bool {
        weight[frame.priority] + FrameWeight.of(frame) <= settings.waitingBytes(of: frame.priority)
    }

    /// What all that waits counts for.
    var waitingBytes: Int { state.withLock { $0.weight.total } }

    // MARK: For the connection

    func open() { state.withLock { $0.isOpen = true } }

    /// Drops everything. What the connection has of it must be reported before.
    func close() { state.withLock { $0 = State() } }

    /// The next frames in the order of their priorities: so many bytes, or one.
    func take(atMost bytes: Int) -> [EncodedFrame] {
        state.withLock { state in
            var taken: [EncodedFrame] = []
            var size = 0
            while size < bytes, let frame = state.popFirst() {
                taken.append(frame)
                size += frame.bytes.count
            }
            state.isTold = !state.queues.allSatisfy(\.isEmpty)
            return taken
        }
    }

    /// The kernel has what was taken, or never will.
    func hasSent(_ weight: FrameWeight) { state.withLock { $0.weight -= weight } }
}

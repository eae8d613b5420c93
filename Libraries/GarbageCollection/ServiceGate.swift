import Protocol
import Synchronization

/// Lets so many operations go to one block service at a time; the others wait in order. So one disk that is slow never
/// gathers all the work, and none gets more than it can take.
final class ServiceGate: Sendable {
    private struct Queue {
        var underWay = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let width: Int
    private let queues = Mutex<[BlockServiceID: Queue]>([:])

    /// - Parameter width: at least 1.
    init(width: Int) {
        self.width = max(width, 1)
    }

    /// Waits for a place at the service; `leave` gives it back.
    func enter(_ service: BlockServiceID) async {
        await withCheckedContinuation { continuation in
            let isFree = queues.withLock { queues in
                guard queues[service, default: Queue()].underWay < width else {
                    queues[service]?.waiting.append(continuation)
                    return false
                }
                queues[service, default: Queue()].underWay += 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    func leave(_ service: BlockServiceID) {
        let next = queues.withLock { queues -> CheckedContinuation<Void, Never>? in
            guard var queue = queues[service] else { return nil }
            defer { queues[service] = queue.underWay == 0 ? nil : queue }
            guard !queue.waiting.isEmpty else {
                queue.underWay -= 1
                return nil
            }
            return queue.waiting.removeFirst()
        }
        next?.resume()
    }
}

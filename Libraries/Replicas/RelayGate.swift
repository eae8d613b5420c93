import EventLoop
import Synchronization

/// Bounds what followers pass on that no loop has taken up yet: what comes from a socket is bounded by the kernel, what
/// comes over a connection is not. Thread-safe.
package final class RelayGate: Sendable {
    private let limit: Int
    private let waiting = Atomic<Int>(0)

    package init(limit: Int) { self.limit = limit }

    /// Runs `body` on the loop, or drops it when too much waits already.
    package func pass<Value>(_ loop: LoopBound<Value>?, _ body: @escaping @Sendable (Value) -> Void) {
        guard let loop else { return }
        guard waiting.add(1, ordering: .relaxed).newValue <= limit else {
            waiting.subtract(1, ordering: .relaxed)
            return
        }
        loop.submit { [self] value in
            waiting.subtract(1, ordering: .relaxed)
            body(value)
        }
    }
}

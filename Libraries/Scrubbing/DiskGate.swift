import Synchronization

/// Lets checks of one disk begin: so many at a time, and so many bytes per second.
final class DiskGate: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
        var rate: ByteRate
    }

    private let state: Mutex<State>

    init(width: Int, bytesPerSecond: UInt64) {
        state = Mutex(State(free: max(width, 1), rate: ByteRate(bytesPerSecond: bytesPerSecond)))
    }

    /// Waits for a place, which `leave` gives back, and then until the rate allows for `bytes`.
    func enter(_ bytes: UInt64, _ cluster: some ScrubCluster) async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
        let pause = state.withLock { $0.rate.pause(before: bytes, now: cluster.monotonicNanoseconds) }
        if pause > 0 { await cluster.sleep(nanoseconds: pause) }
    }

    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}

import DequeModule
import Synchronization

/// A number of units that tasks take and give back; who finds too few waits in line. Thread-safe.
final class Allowance: Sendable {
    private struct State {
        var free: Int
        var waiting: Deque<(units: Int, continuation: CheckedContinuation<Void, Never>)> = []
    }

    let limit: Int
    private let state: Mutex<State>

    init(_ limit: Int) {
        self.limit = limit
        state = Mutex(State(free: limit))
    }

    /// Waits for `units`, or for all there are if that is less. They have to be given back. Nobody who holds some may
    /// ask for more.
    func take(_ units: Int) async {
        let units = min(units, limit)
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                guard state.waiting.isEmpty, state.free >= units else {
                    state.waiting.append((units, continuation))
                    return false
                }
                state.free -= units
                return true
            }
            if isThere { continuation.resume() }
        }
    }

    /// Gives back what `take` with the same argument took.
    func give(_ units: Int) {
        let served = state.withLock { state in
            state.free += min(units, limit)
            var served: [CheckedContinuation<Void, Never>] = []
            while let first = state.waiting.first, first.units <= state.free {
                state.free -= first.units
                served.append(first.continuation)
                state.waiting.removeFirst()
            }
            return served
        }
        for continuation in served { continuation.resume() }
    }
}

import Glibc

/// Waits for something that another thread or process does, looking every few milliseconds.
///
/// - Returns: whether it happened before the deadline. A deadline is for hangs; nothing may depend on when it happens.
package func happens(within seconds: Double = 30, _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = monotonicSeconds() + seconds
    while try !condition() {
        guard monotonicSeconds() < deadline else { return false }
        usleep(2_000)
    }
    return true
}

private func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

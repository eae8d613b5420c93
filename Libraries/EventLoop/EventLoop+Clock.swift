import CUV
import Glibc

extension EventLoop {
    /// Time that only moves forward, from an arbitrary origin. Read anew at each call. Thread-safe.
    public var monotonicNanoseconds: UInt64 {
        uv_hrtime()
    }

    /// As `monotonicNanoseconds`, but goes on while the machine is suspended, as others' clocks do. Thread-safe.
    public var bootNanoseconds: UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_BOOTTIME, &now)
        return UInt64(max(0, now.tv_sec)) &* 1_000_000_000 &+ UInt64(max(0, now.tv_nsec))
    }

    /// Nanoseconds since the Unix epoch; may jump when somebody sets the clock. Thread-safe.
    public func wallClock() -> UInt64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(max(0, now.tv_sec)) &* 1_000_000_000 &+ UInt64(max(0, now.tv_nsec))
    }

    /// Suspends the calling task. Returns early, without an error, when the task is cancelled.
    public func sleep(nanoseconds: UInt64) async {
        let sleeper = Sleeper()
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                submit { [self] in sleeper.begin(continuation, nanoseconds, on: self) }
            }
        } onCancel: {
            submit { sleeper.end() }
        }
    }
}

/// One sleep of one task: over when its timer fires or the task is cancelled, whatever comes first.
///
/// `@unchecked Sendable`: everything but making it happens on the loop.
private final class Sleeper: @unchecked Sendable {
    private var continuation: CheckedContinuation<Void, Never>?
    private var timer: LoopTimer?
    private var isOver = false

    func begin(_ continuation: CheckedContinuation<Void, Never>, _ nanoseconds: UInt64, on loop: EventLoop) {
        guard !isOver else { return continuation.resume() }
        self.continuation = continuation
        timer = loop.timer(afterNanoseconds: nanoseconds) { [self] in end() }
    }

    func end() {
        isOver = true
        timer?.cancel()
        timer = nil
        continuation?.resume()
        continuation = nil
    }
}

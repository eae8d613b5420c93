extension Loop {
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
    private var timer: (any TimerHandle)?
    private var isOver = false

    func begin(_ continuation: CheckedContinuation<Void, Never>, _ nanoseconds: UInt64, on loop: some Loop) {
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

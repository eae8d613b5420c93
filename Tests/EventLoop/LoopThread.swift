import EventLoop
import Testing

/// Runs `body` on a fresh loop of its own thread, and waits until it calls `finish`, or fails after ten seconds.
func onLoop<T: Sendable>(
    _ body: @escaping @Sendable (EventLoop, @escaping @Sendable (T) -> Void) throws -> Void
) async throws -> T {
    let outcome: Result<T, any Error> = await withCheckedContinuation { continuation in
        let once = Once(continuation)
        do {
            let (loop, thread) = try EventLoop.startThread(name: "test") { loop in
                loop.timer(afterNanoseconds: 10_000_000_000) { once.resume(.failure(TestTimeout())) }
                do {
                    try body(loop) { once.resume(.success($0)) }
                } catch {
                    once.resume(.failure(error))
                }
            }
            once.whenDone {
                loop.stop()
                thread.detach()
            }
        } catch {
            once.resume(.failure(error))
        }
    }
    return try outcome.get()
}

struct TestTimeout: Error {}

/// A continuation that is resumed by whoever comes first.
final class Once<T: Sendable>: Sendable {
    private struct State {
        var continuation: CheckedContinuation<Result<T, any Error>, Never>?
        var isDone = false
        var cleanUp: (@Sendable () -> Void)?
    }

    private let state: Monitor<State>

    init(_ continuation: CheckedContinuation<Result<T, any Error>, Never>) {
        state = Monitor(State(continuation: continuation))
    }

    func resume(_ result: Result<T, any Error>) {
        let (continuation, cleanUp) = state.withLock { state in
            let taken = (state.continuation, state.cleanUp)
            state.continuation = nil
            state.isDone = true
            return taken
        }
        guard let continuation else { return }
        cleanUp?()
        continuation.resume(returning: result)
    }

    func whenDone(_ cleanUp: @escaping @Sendable () -> Void) {
        let isDone = state.withLock { state in
            state.cleanUp = cleanUp
            return state.isDone
        }
        if isDone { cleanUp() }
    }
}

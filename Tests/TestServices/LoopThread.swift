import EventLoop

/// Runs `body` on a fresh loop of its own thread, and waits until it calls `finish`, or fails after ten seconds.
package func onLoop<T: Sendable>(
    _ body: @escaping @Sendable (EventLoop, @escaping @Sendable (T) -> Void) throws -> Void
) async throws -> T {
    let (results, sink) = AsyncStream.makeStream(of: Result<T, any Error>.self)
    let (loop, thread) = try EventLoop.startThread(name: "test") { loop in
        loop.timer(afterNanoseconds: 10_000_000_000) { sink.yield(.failure(TestTimeout())) }
        do {
            try body(loop) { sink.yield(.success($0)) }
        } catch {
            sink.yield(.failure(error))
        }
    }
    var first: Result<T, any Error>?
    for await result in results {
        first = result
        break
    }
    loop.stop()
    thread.detach()
    return try (first ?? .failure(TestTimeout())).get()
}

package struct TestTimeout: Error {}
